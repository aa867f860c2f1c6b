import { SottoError, type User } from '@sotto/contract'
import { isUniqueViolation, store } from '@sotto/db'
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import { endDemo } from '../setup/demo.ts'
import { type AddUserParts, addUser, type CreatedBy, type NewUser } from './add-user.ts'

/* Users of the host's own system, who are identified by external id. */

/** In characters. The limit of the contract. */
const MAX_USERNAME_LENGTH = 32
/** How often to try another random name before giving up. */
const MAX_ATTEMPTS = 5

interface NewExternalUser extends Omit<NewUser, 'username' | 'password' | 'invitation'> {
  externalId: string
  /** The exact username, or undefined to make one from `namedAfter`. */
  username: string | undefined
  /** Any text. */
  namedAfter: string
  /** Whether to leave out an email address that another user has, instead of failing. */
  mayLeaveOutEmail: boolean
}

/**
 * Gives the external id to an existing user with the same username, compared exactly, who can only be meant by it: a
 * user with a password may be someone else who signed up under this name.
 *
 * @param requireMayAdopt throws if the caller may not give an external id to a user with this role.
 * @returns whether there is such a user.
 */
export async function adoptUser(
  parts: Pick<AddUserParts, 'db' | 'newId' | 'now'> & { readonly identity: { forgetUsers(): void } },
  externalId: string,
  requireMayAdopt?: (role: 'user' | 'admin') => void,
): Promise<boolean> {
  try {
    const isAdopted = await parts.db.transaction().execute(async (trx) => {
      const adopted = await store.users.adopt(trx, externalId, parts.now())
      if (!adopted) return false
      requireMayAdopt?.(adopted.role)
      await endDemo(trx)
      await recordAudit(trx, auditOriginOf('server', parts), {
        action: 'user.external_id_changed',
        subjectId: adopted.id,
      })
      return true
    })
    if (isAdopted) parts.identity.forgetUsers()
    return isAdopted
  } catch (error) {
    // A concurrent call has created a user with this external id.
    if (isUniqueViolation(error)) return false
    throw error
  }
}

/** @returns undefined if a user with this external id exists already. */
export async function addExternalUser(
  parts: AddUserParts,
  { username: exact, namedAfter, mayLeaveOutEmail, ...profile }: NewExternalUser,
  by: CreatedBy,
): Promise<User | undefined> {
  let { email } = profile
  let username = exact ?? usernameFrom(namedAfter)
  for (let attempt = 1; ; ) {
    try {
      return await addUser(parts, { ...profile, email, username }, by)
    } catch (error) {
      if (!(error instanceof SottoError)) throw error
      if (error.code === 'EXTERNAL_ID_TAKEN') return undefined
      if (error.code === 'EMAIL_TAKEN' && mayLeaveOutEmail && email !== undefined) {
        email = undefined
        continue
      }
      if (error.code !== 'USERNAME_TAKEN' || exact !== undefined || attempt++ === MAX_ATTEMPTS) throw error
      username = withSuffix(usernameFrom(namedAfter), parts.newId())
    }
  }
}

/**
 * A valid username that resembles a text. Of an email address, only the part before the @: usernames are visible to
 * all users.
 */
function usernameFrom(text: string): string {
  const name = text
    .replace(/(?<=.)@.*$/su, '')
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, MAX_USERNAME_LENGTH)
    .replace(/[^a-z0-9]+$/, '')
  return name === '' ? 'user' : name
}

/** Appends the random end of a new id. */
function withSuffix(name: string, newId: string): string {
  const suffix = newId.slice(-6)
  return `${name.slice(0, MAX_USERNAME_LENGTH - suffix.length - 1)}-${suffix}`
}
