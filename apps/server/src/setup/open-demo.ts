import { SottoError } from '@sotto/contract'
import { type Executor, type SetupRow, store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { hashSecret, newSecret } from '../identity/secrets.ts'
import { isBelievable } from '../lib/clock.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { seedSmallData } from '../seed/seed-small.ts'
import { shownUsernames } from './demo.ts'
import { demoUsers } from './demo-users.ts'
import { requireToken } from './setup-token.ts'

const SESSION_LIFETIME_MS = 24 * 60 * 60 * 1_000
/** After this time, an unfinished seed counts as interrupted, in milliseconds. Seeding takes a few seconds. */
const SEED_TIMEOUT_MS = 60_000

interface Demo {
  people: { username: string; token: string }[]
  expiresAt: Date
}

/**
 * Seeds the small data set on the first call, and signs in two of its users. They have no passwords, so there is no
 * other way to sign in as them.
 *
 * @throws {SottoError} INVALID_INPUT for the token; UNAVAILABLE while another caller is seeding; USERNAME_TAKEN if a user
 * has the name of one of the demo's.
 */
export async function openDemo(ctx: Context, { token }: InputOf<'setup', 'openDemo'>): Promise<Demo> {
  const { app } = ctx
  const isFirst = await app.db.transaction().execute(async (trx) => {
    const setup = await requireToken(trx, app, await store.setup.hold(trx), token)
    if (isBeingSeeded(setup, app.now()))
      throw new SottoError('UNAVAILABLE', { detail: 'the demo is still being created' })
    if (setup.demo_started_at) return false
    await requireFreeNames(trx)
    await store.setup.update(trx, { demo_started_at: app.now() })
    await recordAudit(trx, ctx, { action: 'setup.demo_opened', subjectId: null })
    return true
  })
  if (isFirst) await seedSmallData(app, { endsAt: app.now() })
  return app.db.transaction().execute(async (trx) => {
    // A real user may have been created in the meantime.
    await requireToken(trx, app, await store.setup.hold(trx), token)
    if (isFirst) await store.setup.update(trx, { demo_filled_at: app.now() })
    return signInDemoUsers(trx, ctx)
  })
}

/** Otherwise the demo would sign in as a real user. */
async function requireFreeNames(trx: Executor): Promise<void> {
  for (const { username } of demoUsers) {
    if (!(await store.users.find(trx, username))) continue
    throw new SottoError('USERNAME_TAKEN', {
      detail: `the demo needs the username ${username}, which is taken`,
    })
  }
}

/** An interrupted seed is not repeated: the demo shows what it has written. */
function isBeingSeeded({ demo_started_at: started, demo_filled_at: filled }: SetupRow, now: Date): boolean {
  if (started === null || filled !== null || !isBelievable(started, now)) return false
  return now.getTime() - started.getTime() < SEED_TIMEOUT_MS
}

async function signInDemoUsers(trx: Executor, { app, userAgent }: Context): Promise<Demo> {
  const createdAt = app.now()
  const expiresAt = new Date(createdAt.getTime() + SESSION_LIFETIME_MS)
  const people: Demo['people'] = []
  const ids: string[] = []
  for (const username of shownUsernames) {
    const user = await store.users.find(trx, username)
    if (!user)
      throw new SottoError('UNAVAILABLE', {
        detail: 'creating the demo was interrupted: start with an empty database',
      })
    const token = newSecret('st')
    const session = {
      id: app.newId(),
      userId: user.id,
      tokenHash: hashSecret(token),
      userAgent,
      createdAt,
      expiresAt,
    }
    // Each call opens a new page, so the previous sessions are no longer needed.
    await store.sessions.removeAllOf(trx, user.id)
    await store.sessions.insert(trx, session)
    people.push({ username, token })
    ids.push(user.id)
  }
  // As contacts they can message each other even if SOTTO_DIRECT_MESSAGES is `contacts`.
  for (const [userId, contactId] of [ids, ids.toReversed()]) {
    if (userId && contactId)
      await store.contacts.set(trx, { userId, contactId, state: 'accepted', at: createdAt })
  }
  return { people, expiresAt }
}
