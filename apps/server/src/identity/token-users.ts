import { contract, SottoError } from '@sotto/contract'
import { type AccountRow, isUuid, store } from '@sotto/db'
import type { Logger } from 'pino'
import { type AddUserParts, addUser, type NewUser } from './add-user.ts'
import { hashSecret } from './secrets.ts'
import { TimedCache } from './timed-cache.ts'
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
  settings: UserTokenSettings
  log: Logger
}

/** Resolves signed tokens to users, and creates missing users. */
export class TokenUsers {
  readonly #options: Options
  readonly #verify: VerifyToken
  readonly #claims = new TimedCache<UserClaims>(SIGNATURE_LIFETIME_MS, MAX_ENTRIES)
  readonly #accounts = new TimedCache<AccountRow>(USER_LIFETIME_MS, MAX_ENTRIES)

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
    const { db } = this.#options
    const { subject } = claims
    return this.#accounts.find(
      subject,
      async () => (await store.accounts.find(db, subject)) ?? (await this.#create(claims)),
    )
  }

  /** Creates the user. Of two concurrent calls, the second finds the user that the first has created. */
  async #create(claims: UserClaims): Promise<AccountRow> {
    const { settings, db } = this.#options
    const { subject } = claims
    if (!settings.createUsers || isUuid(subject)) throw invalidToken('no user has this "sub"')
    const input = profileOf(claims)
    try {
      await this.#add(input)
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'USERNAME_TAKEN') throw error
    }
    const account = await store.accounts.find(db, subject)
    if (!account) throw new Error(`the user ${subject} was erased meanwhile`)
    return account
  }

  /** Leaves out an email address that belongs to another user, instead of rejecting the token. */
  async #add(input: NewUser): Promise<void> {
    try {
      await addUser(this.#options, input, 'token')
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'EMAIL_TAKEN') throw error
      await addUser(this.#options, { ...input, email: undefined }, 'token')
    }
  }
}

/** The claim of each profile field. */
const claimOf: Record<string, string> = {
  username: 'sub',
  displayName: 'name',
  email: 'email',
  avatarUrl: 'picture',
}

/** Validates the claims like any other profile. */
function profileOf({ subject, profile }: UserClaims): NewUser {
  const parsed = contract.users.create.input.safeParse({
    username: subject,
    displayName: profile.name,
    email: profile.email,
    avatarUrl: profile.picture,
  })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalidToken(`"${claimOf[String(issue?.path[0])]}" ${issue?.message}`)
}
