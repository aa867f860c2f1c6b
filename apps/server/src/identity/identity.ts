import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existingPassword, foldUserRef, type KeyScope, keyScopes, SottoError } from '@sotto/contract'
import { type Executor, type SessionUserRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import { type Actor, type Caller, CONFIGURED_KEY_ID, decodeRef, refersTo, toActor } from '../auth/caller.ts'
import type { NewId } from '../lib/ids.ts'
import type { Limits } from '../limits/limits.ts'
import type { Origin } from '../limits/origin.ts'
import type { EmitBusinessEvent } from '../metrics/business-events.ts'
import { scopesOf } from '../views/keys.ts'
import { LastUsed } from './last-used.ts'
import { Passwords } from './passwords.ts'
import { hashSecret } from './secrets.ts'
import { TimedCache } from './timed-cache.ts'
import type { TokenUsers } from './token-users.ts'
import type { UserTokenSettings } from './token-verifier.ts'

/**
 * How long changes by other servers (a revoked key, an ended session) can go unnoticed, in milliseconds. Changes by
 * this server apply immediately. What is in use is read again before, so that calls rarely wait for it.
 */
const CREDENTIAL_LIFETIME_MS = 1_000
/** How long a successful Basic authentication is cached, in milliseconds. */
const BASIC_LIFETIME_MS = 60_000
const MAX_ENTRIES = 10_000

/** The fields of a key that requests need. */
interface Key {
  id: string
  scopes: ReadonlySet<KeyScope>
  expiresAt: Date | null
}

interface Session {
  id: string
  expiresAt: Date
  lastUsedAt: Date
  actor: Actor
  isAdmin: boolean
}

/** A user whose password was verified, and the hash it was verified against. */
export interface VerifiedUser {
  actor: Actor
  hash: string
  isAdmin: boolean
  /** Whether signing in also requires a code. */
  hasSecondFactor: boolean
}

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  limits: Limits
  /** Valid in addition to the keys in the database. */
  serviceKey: string | undefined
  newId: NewId
  /** For tests only. See `Passwords`. */
  fastPasswords: boolean
  /** Undefined if signed tokens are not accepted. */
  userTokens: UserTokenSettings | undefined
  emitBusinessEvent: EmitBusinessEvent
}

const CONFIGURED_KEY: Key = { id: CONFIGURED_KEY_ID, scopes: new Set(keyScopes), expiresAt: null }

/** Authenticates requests. All tokens and passwords are checked here. */
export class Identity {
  readonly passwords: Passwords
  readonly #db: Executor
  readonly #now: () => Date
  readonly #limits: Limits
  readonly #configuredKeyHash: Buffer | undefined
  readonly #keys = new TimedCache<Key>({ lifetimeMs: CREDENTIAL_LIFETIME_MS, maxEntries: MAX_ENTRIES })
  /** By token. */
  readonly #sessions = new TimedCache<Session>({
    lifetimeMs: CREDENTIAL_LIFETIME_MS,
    maxEntries: MAX_ENTRIES,
    refresh: (sessions) => this.#readSessions(sessions),
  })
  /** By reference. */
  readonly #users = new TimedCache<Actor>({
    lifetimeMs: CREDENTIAL_LIFETIME_MS,
    maxEntries: MAX_ENTRIES,
    refresh: (actors) => this.#readActors(actors),
  })
  readonly #passwords = new TimedCache<VerifiedUser>({
    lifetimeMs: BASIC_LIFETIME_MS,
    maxEntries: MAX_ENTRIES,
  })
  /** Makes the cache of verified passwords useless in a memory dump. */
  readonly #pepper = randomBytes(32)
  readonly #keysLastUsed: LastUsed
  readonly #sessionsLastUsed: LastUsed
  readonly #options: Options
  /** Loaded for the first token, because servers without tokens do not need the library. */
  #tokenUsers: Promise<TokenUsers> | undefined

  constructor(options: Options) {
    this.#options = options
    this.passwords = new Passwords(options.fastPasswords)
    this.#db = options.db
    this.#now = options.now
    this.#limits = options.limits
    this.#configuredKeyHash = options.serviceKey === undefined ? undefined : digest(options.serviceKey)
    this.#keysLastUsed = new LastUsed({
      now: options.now,
      log: options.log,
      write: (ids, use) =>
        options.db.transaction().execute((trx) => store.serviceKeys.markUsed(trx, ids, use)),
    })
    this.#sessionsLastUsed = new LastUsed({
      now: options.now,
      log: options.log,
      write: (ids, use) => options.db.transaction().execute((trx) => store.sessions.markUsed(trx, ids, use)),
    })
  }

  /**
   * @param authorization the header, if any: `Bearer sk_…`, `Bearer st_…`, `Bearer <JWT>` or `Basic …`.
   * @param actAs the user that a service key acts for.
   * @throws {SottoError} UNAUTHENTICATED, FORBIDDEN, USER_NOT_FOUND, RATE_LIMITED
   */
  async authenticate(
    authorization: string | undefined,
    actAs: string | undefined,
    origin: Origin,
  ): Promise<Caller> {
    if (authorization === undefined) {
      if (actAs !== undefined) throw unauthenticated('Act-As requires a service key')
      return { kind: 'anonymous' }
    }
    const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? []
    switch (scheme.toLowerCase()) {
      case 'bearer':
        if (credentials.startsWith('sk_')) return this.#byKey(credentials, actAs)
        // A JWT has three parts separated by dots, unlike session tokens.
        return credentials.split('.').length === 3
          ? this.#byToken(credentials, actAs)
          : this.#bySession(credentials, actAs)
      case 'basic':
        return this.#byPassword(credentials, actAs, origin)
      default:
        throw unauthenticated('Authorization must be "Bearer <key or token>" or "Basic <credentials>"')
    }
  }

  /** Finds a user by username, id or external id. Cached until a user changes. */
  async findActor(ref: string): Promise<Actor | undefined> {
    const key = foldUserRef(ref)
    return this.#users.find(key, async () => {
      const row = await store.users.find(this.#db, key)
      return row && toActor(row)
    })
  }

  async #readActors(actors: ReadonlyMap<string, Actor>): Promise<ReadonlyMap<string, Actor>> {
    const ids = new Set([...actors.values()].map((actor) => actor.id))
    const rows = await store.accounts.findMany(this.#db, [...ids])
    const current = new Map(rows.map((row) => [row.id, toActor(row)]))
    const found = new Map<string, Actor>()
    for (const [ref, { id }] of actors) {
      const actor = current.get(id)
      // An external id can move to another user.
      if (actor && refersTo(ref, actor)) found.set(ref, actor)
    }
    return found
  }

  /**
   * Verifies the password of a user, given by reference. Unknown users, disabled users, users without a password
   * and wrong passwords all take the same time and return undefined. Replaces outdated hashes.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  async verifyPassword(ref: string, password: string, origin: Origin): Promise<VerifiedUser | undefined> {
    const key = foldUserRef(ref)
    const credentials = await store.credentials.find(this.#db, key)
    // By id also for disabled users, or the remaining quota would reveal that they are disabled.
    await this.#limits.chargeSignIn(credentials?.id ?? key, origin)
    const hash = credentials?.disabled_at === null ? (credentials.password_hash ?? undefined) : undefined
    const { isCorrect, isOutdated } = await this.passwords.verify(hash, password)
    if (!isCorrect || !credentials || hash === undefined) return undefined
    return {
      actor: toActor(credentials),
      hash: isOutdated ? await this.#rehash(credentials.id, hash, password) : hash,
      isAdmin: credentials.role === 'admin',
      hasSecondFactor: credentials.confirmed_at !== null,
    }
  }

  /** Replaces an outdated hash of a verified password. Returns the current hash. */
  async #rehash(userId: string, hash: string, password: string): Promise<string> {
    const rehashed = await this.passwords.hash(password)
    const isReplaced = await this.#db
      .transaction()
      .execute((trx) => store.credentials.replacePasswordHash(trx, userId, { from: hash, to: rehashed }))
    return isReplaced ? rehashed : hash
  }

  /** Clears the cache of keys after one was revoked. */
  forgetKeys(): void {
    this.#keys.clear()
  }

  /** Writes pending changes. */
  async close(): Promise<void> {
    await this.#keysLastUsed.flush()
    await this.#sessionsLastUsed.flush()
  }

  /**
   * Clears the caches after a change to users: ended sessions, disabled or erased users, changed roles. Verified
   * passwords stay cached: they are compared with the database each time, and verifying them all again is expensive.
   */
  forgetUsers(): void {
    this.#users.clear()
    this.#sessions.clear()
    void this.#tokenUsers?.then((users) => users.forget())
  }

  async #byKey(key: string, actAs: string | undefined): Promise<Caller> {
    const found = await this.#key(key)
    if (!found || (found.expiresAt && found.expiresAt <= this.#now())) {
      throw unauthenticated('the service key is not valid')
    }
    const { id: keyId, scopes } = found
    if (keyId !== CONFIGURED_KEY_ID) this.#keysLastUsed.note(keyId)
    if (actAs === undefined) return { kind: 'key', keyId, scopes, actor: undefined }
    const actor = await this.findActor(actAs)
    if (!actor) throw new SottoError('USER_NOT_FOUND', { detail: 'Act-As: no such user' })
    return { kind: 'key', keyId, scopes, actor }
  }

  async #key(key: string): Promise<Key | undefined> {
    return this.#keys.find(key, async () => {
      const isConfigured = this.#configuredKeyHash && timingSafeEqual(digest(key), this.#configuredKeyHash)
      return isConfigured ? CONFIGURED_KEY : this.#storedKey(key)
    })
  }

  async #storedKey(key: string): Promise<Key | undefined> {
    const row = await store.serviceKeys.findByHash(this.#db, hashSecret(key))
    return row && { id: row.id, scopes: new Set(scopesOf(row)), expiresAt: row.expires_at }
  }

  async #byToken(token: string, actAs: string | undefined): Promise<Caller> {
    const { userTokens: settings, log, newId, emitBusinessEvent } = this.#options
    if (!settings) throw unauthenticated('the token is not valid: this server does not accept signed tokens')
    this.#tokenUsers ??= import('./token-users.ts').then(
      ({ TokenUsers }) =>
        new TokenUsers({
          settings,
          log,
          newId,
          emitBusinessEvent,
          db: this.#db,
          now: this.#now,
          identity: this,
        }),
    )
    const { account, expiresAt } = await (await this.#tokenUsers).identify(token)
    return {
      kind: 'user',
      credential: { kind: 'token', expiresAt },
      actor: requireSelf(toActor(account), actAs),
      isAdmin: account.role === 'admin',
    }
  }

  async #bySession(token: string, actAs: string | undefined): Promise<Caller> {
    const session = await this.#session(token)
    if (!session || session.expiresAt <= this.#now()) throw unauthenticated('the token is not valid')
    this.#sessionsLastUsed.note(session.id, session.lastUsedAt)
    return {
      kind: 'user',
      credential: { kind: 'session', id: session.id },
      actor: requireSelf(session.actor, actAs),
      isAdmin: session.isAdmin,
    }
  }

  async #session(token: string): Promise<Session | undefined> {
    return this.#sessions.find(token, async () => {
      const row = await store.sessions.find(this.#db, hashSecret(token))
      return row && toSession(row)
    })
  }

  async #readSessions(sessions: ReadonlyMap<string, Session>): Promise<ReadonlyMap<string, Session>> {
    const ids = [...sessions.values()].map((session) => session.id)
    const rows = await store.sessions.findMany(this.#db, ids)
    const current = new Map(rows.map((row) => [row.session_id, toSession(row)]))
    const found = new Map<string, Session>()
    for (const [token, { id }] of sessions) {
      const session = current.get(id)
      if (session) found.set(token, session)
    }
    return found
  }

  async #byPassword(credentials: string, actAs: string | undefined, origin: Origin): Promise<Caller> {
    const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(decodeBasic(credentials)) ?? []
    // A reference to an external id has a colon, which only fits in percent-encoded.
    const username = decodeRef(user) ?? user
    // Not checked by a schema yet. No user has such a password, and normalizing a long text is slow.
    if (!existingPassword.safeParse(password).success) throw unauthenticated('wrong username or password')
    const verified = await this.#verified(username, password, origin)
    if (!verified) throw unauthenticated('wrong username or password')
    if (verified.hasSecondFactor) {
      throw unauthenticated(
        'users with two-factor authentication cannot use Basic authentication: sign in for a token',
      )
    }
    const { actor, hash, isAdmin } = verified
    return { kind: 'user', credential: { kind: 'password', hash }, actor: requireSelf(actor, actAs), isAdmin }
  }

  async #verified(username: string, password: string, origin: Origin): Promise<VerifiedUser | undefined> {
    const key = createHash('sha256').update(this.#pepper).update(`${username}:${password}`).digest('base64')
    const known = this.#passwords.get(key)
    const current = known && (await store.credentials.find(this.#db, known.actor.id))
    // If the password has changed since, it is verified again.
    if (
      known &&
      current?.password_hash === known.hash &&
      current.disabled_at === null &&
      refersTo(username, toActor(current))
    ) {
      return {
        ...known,
        actor: toActor(current),
        isAdmin: current.role === 'admin',
        hasSecondFactor: current.confirmed_at !== null,
      }
    }
    const verified = await this.verifyPassword(username, password, origin)
    if (verified) this.#passwords.set(key, verified)
    return verified
  }
}

function toSession(row: SessionUserRow): Session {
  return {
    id: row.session_id,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    actor: toActor(row),
    isAdmin: row.role === 'admin',
  }
}

/** A user cannot act for another user. */
function requireSelf(actor: Actor, actAs: string | undefined): Actor {
  if (actAs !== undefined && !refersTo(actAs, actor)) {
    throw new SottoError('FORBIDDEN', { detail: 'only a service key can act for another user' })
  }
  return actor
}

function unauthenticated(detail: string): SottoError {
  return new SottoError('UNAUTHENTICATED', { detail })
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

function decodeBasic(credentials: string): string {
  return Buffer.from(credentials, 'base64').toString('utf8')
}
