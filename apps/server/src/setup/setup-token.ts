import { invalidInput, type SottoError } from '@sotto/contract'
import { type Executor, type SetupRow, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'
import { hashSecret, newSecret } from '../identity/secrets.ts'
import { isBelievable } from '../lib/clock.ts'
import { demoUsers } from './demo-users.ts'

/** How long a token is valid, in milliseconds. */
const LIFETIME_MS = 24 * 60 * 60 * 1_000

/** Creates the token for creating the first admin, replacing the previous one. It is stored hashed. */
export async function issueSetupToken(trx: Executor, origin: AuditOrigin): Promise<string> {
  const token = newSecret('su')
  await store.setup.update(trx, {
    token_hash: hashSecret(token),
    token_expires_at: new Date(origin.app.now().getTime() + LIFETIME_MS),
  })
  await recordAudit(trx, origin, { action: 'setup.link_issued', subjectId: null })
  return token
}

/** Whether an issued token is still valid. */
export function hasValidToken(setup: SetupRow, now: Date): boolean {
  const { token_hash: hash, token_expires_at: expiresAt } = setup
  return hash !== null && expiresAt !== null && expiresAt > now && isBelievable(expiresAt, now, LIFETIME_MS)
}

/** Whether there are no users except those of the demo, which have no passwords. */
export async function hasNoUsers(db: Executor, setup: SetupRow | undefined): Promise<boolean> {
  return !(await store.setup.hasUsersBesides(
    db,
    setup?.demo_started_at ? demoUsers.map(({ username }) => username) : [],
  ))
}

/**
 * Checks a setup token. It is only valid while there is no admin, so a token that leaks later is useless. Users that the
 * back end creates do not matter: its first calls often come before the first account.
 *
 * @throws {SottoError} INVALID_INPUT
 */
export async function requireToken(
  db: Executor,
  { now }: Pick<Runtime, 'now'>,
  setup: SetupRow | undefined,
  token: string,
): Promise<SetupRow> {
  const isValid = setup && hasValidToken(setup, now()) && setup.token_hash === hashSecret(token)
  if (!isValid || (await store.setup.hasAdmin(db))) throw invalidToken()
  return setup
}

function invalidToken(): SottoError {
  return invalidInput('token', 'is unknown, already used or expired, or an admin already exists')
}
