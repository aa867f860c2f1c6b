import { contract, externalRef } from '@sotto/contract'
import { type AccountRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { AddUserParts } from './add-user.ts'
import { addExternalUser, adoptUser } from './external-users.ts'
import { hashSecret } from './secrets.ts'
import { TimedCache } from './timed-cache.ts'
import { DEFAULT_USER_CLAIM } from './token-rules.ts'
import {
  createTokenVerifier,
  invalidToken,
  type UserClaims,
  type UserTokenSettings,
  type VerifyToken,
} from './token-verifier.ts'

/** How long a verified signature is cached, in milliseconds: a withdrawn key stops working after that. */
const SIGNATURE_LIFETIME_MS = 60_000
/** How long a change to the user (disabled, admin access removed) can go unnoticed, in milliseconds. */
const USER_LIFETIME_MS = 1_000
const MAX_ENTRIES = 10_000

interface Options extends AddUserParts {
  identity: AddUserParts['identity'] & { forgetUsers(): void }
  settings: UserTokenSettings
  log: Logger
}

/** Resolves signed tokens to users, and creates missing users. */
export class TokenUsers {
  readonly #options: Options
  readonly #verify: VerifyToken
  readonly #claims = new TimedCache<UserClaims>({
    lifetimeMs: SIGNATURE_LIFETIME_MS,
    maxEntries: MAX_ENTRIES,
  })
  /** By subject, which is the external id. */
  readonly #accounts = new TimedCache<AccountRow>({
    lifetimeMs: USER_LIFETIME_MS,
    maxEntries: MAX_ENTRIES,
    refresh: (accounts) => this.#readAccounts(accounts),
  })

  constructor(options: Options) {
    this.#options = options
    this.#verify = createTokenVerifier(options)
  }

  /** @throws {SottoError} UNAUTHENTICATED with the reason; UNAVAILABLE if the keys cannot be fetched. */
  async identify(token: string): Promise<{ account: AccountRow; expiresAt: Date }> {
    const claims = await this.#verified(token)
    const account = await this.#accountOf(claims)
    if (account.disabled_at) throw invalidToken('the user is disabled')
    return { account, expiresAt: claims.expiresAt }
  }

  /** Clears the cache after a change to a user. */
  forget(): void {
    this.#accounts.clear()
  }

  async #verified(token: string): Promise<UserClaims> {
    const hash = hashSecret(token)
    const known = this.#claims.get(hash)
    if (known && known.expiresAt > this.#options.now()) return known
    const claims = await this.#verify(token)
    this.#claims.set(hash, claims)
    return claims
  }

  async #accountOf(claims: UserClaims): Promise<AccountRow> {
    const { subject } = claims
    return this.#accounts.find(
      subject,
      async () => (await this.#find(subject)) ?? (await this.#create(claims)),
    )
  }

  async #readAccounts(accounts: ReadonlyMap<string, AccountRow>): Promise<ReadonlyMap<string, AccountRow>> {
    const ids = [...accounts.values()].map((account) => account.id)
    const current = await store.accounts.findMany(this.#options.db, ids)
    return new Map(
      current.flatMap((account) => (account.external_id === null ? [] : [[account.external_id, account]])),
    )
  }

  /** Only by external id: a subject is never a username or an id of another user. */
  #find(subject: string): Promise<AccountRow | undefined> {
    return store.accounts.find(this.#options.db, externalRef(subject))
  }

  /** Creates the user. Of two concurrent calls, the second finds the user that the first has created. */
  async #create(claims: UserClaims): Promise<AccountRow> {
    const { settings } = this.#options
    const { subject } = claims
    const isAdopted = await adoptUser(this.#options, subject)
    if (!isAdopted && settings.createUsers) {
      const { namedAfter, ...profile } = profileOf(claims)
      await addExternalUser(
        this.#options,
        { ...profile, externalId: subject, username: undefined, namedAfter, mayLeaveOutEmail: true },
        'token',
      )
    }
    const account = await this.#find(subject)
    if (account) return account
    if (settings.createUsers) throw new Error('the user of the token was erased meanwhile')
    throw invalidToken(`no user has this "${settings.userClaim ?? DEFAULT_USER_CLAIM}"`)
  }
}

const { shape } = contract.users.create.input

/** The valid fields of the profile. Providers send null, empty and invalid claims, which must not lock anyone out. */
function profileOf({ subject, profile }: UserClaims) {
  const { username, name, email, picture } = profile
  return {
    namedAfter: typeof username === 'string' && username.trim() !== '' ? username : subject,
    displayName: shape.displayName.safeParse(name).data,
    email: shape.email.safeParse(email).data,
    avatarUrl: shape.avatarUrl.safeParse(picture).data,
  }
}
