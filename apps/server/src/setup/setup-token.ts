import { invalidInput, type SottoError } from '@sotto/contract'
import { type Executor, type SetupRow, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'
import { hashSecret, newSecret } from '../identity/secrets.ts'
import { people } from './demo-people.ts'

/** How long a token waits to be used, in milliseconds. */
const LIFETIME_MS = 24 * 60 * 60 * 1_000

/** Makes the token that the first admin is made with, in the place of the one before it. It is told once and kept hashed. */
export async function issueSetupToken(trx: Executor, origin: AuditOrigin): Promise<string> {
  const token = newSecret('su')
  await store.setup.update(trx, {
    token_hash: hashSecret(token),
    token_expires_at: new Date(origin.app.now().getTime() + LIFETIME_MS),
  })
  await recordAudit(trx, origin, { action: 'setup.link_issued', subjectId: null })
  return token
}

/** Whether somebody could still use a token that was made before. */
export function hasLiveToken(setup: SetupRow, now: Date): boolean {
  return setup.token_hash !== null && setup.token_expires_at !== null && setup.token_expires_at > now
}

/** Whether nobody uses the installation yet. Who came with the demo is nobody: they have no passwords. */
export async function isUnused(db: Executor, setup: SetupRow | undefined): Promise<boolean> {
  return !(await store.setup.hasUsersBesides(
    db,
    setup?.demo_started_at ? people.map(({ username }) => username) : [],
  ))
}

/**
 * Holds a token against how far the setup is. It is worth something only while nobody uses the installation: one that
 * is found later, in a log, opens nothing.
 *
 * @throws {SottoError} INVALID_INPUT
 */
export async function requireToken(
  db: Executor,
  { now }: Pick<Runtime, 'now'>,
  setup: SetupRow | undefined,
  token: string,
): Promise<SetupRow> {
  const isRight = setup && hasLiveToken(setup, now()) && setup.token_hash === hashSecret(token)
  if (!isRight || !(await isUnused(db, setup))) throw unusableToken()
  return setup
}

function unusableToken(): SottoError {
  return invalidInput('token', 'is unknown, already used or expired, or a user already exists')
}
