import { SottoError } from '@sotto/contract'
import { type Executor, type SetupRow, store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { hashSecret, newSecret } from '../identity/secrets.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { seedSmallWorld } from '../seed/seed-small.ts'
import { shownPeople } from './demo.ts'
import { requireToken } from './setup-token.ts'

const SESSION_LIFETIME_MS = 24 * 60 * 60 * 1_000
/** After this time, an unfinished seed counts as interrupted, in milliseconds. It takes a few seconds. */
const FILLING_LIMIT_MS = 60_000

interface Demo {
  people: { username: string; token: string }[]
  expiresAt: Date
}

/**
 * Seeds the small data set if that was not done yet, and signs in two of its users. They have no passwords, so there
 * is no other way to sign in as them.
 *
 * @throws {SottoError} INVALID_INPUT for the token; UNAVAILABLE while another caller is seeding.
 */
export async function openDemo(ctx: Context, { token }: InputOf<'setup', 'openDemo'>): Promise<Demo> {
  const { app } = ctx
  const isFirst = await app.db.transaction().execute(async (trx) => {
    const setup = await requireToken(trx, app, await store.setup.hold(trx), token)
    if (isBeingFilled(setup, app.now()))
      throw new SottoError('UNAVAILABLE', { detail: 'the demo is still being created' })
    if (setup.demo_started_at) return false
    await store.setup.update(trx, { demo_started_at: app.now() })
    await recordAudit(trx, ctx, { action: 'setup.demo_opened', subjectId: null })
    return true
  })
  if (isFirst) await seedSmallWorld(app, { endsAt: app.now() })
  return app.db.transaction().execute(async (trx) => {
    // A real user may have been created in the meantime.
    await requireToken(trx, app, await store.setup.hold(trx), token)
    if (isFirst) await store.setup.update(trx, { demo_filled_at: app.now() })
    return logPeopleIn(trx, ctx)
  })
}

/** An interrupted seed is shown as far as it got. */
function isBeingFilled({ demo_started_at: started, demo_filled_at: filled }: SetupRow, now: Date): boolean {
  return started !== null && filled === null && now.getTime() - started.getTime() < FILLING_LIMIT_MS
}

async function logPeopleIn(trx: Executor, { app, userAgent }: Context): Promise<Demo> {
  const createdAt = app.now()
  const expiresAt = new Date(createdAt.getTime() + SESSION_LIFETIME_MS)
  const people: Demo['people'] = []
  const ids: string[] = []
  for (const username of shownPeople) {
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
    // The page with the previous sessions is gone.
    await store.sessions.removeAllOf(trx, user.id)
    await store.sessions.insert(trx, session)
    people.push({ username, token })
    ids.push(user.id)
  }
  // They can write to each other even if only contacts can.
  for (const [userId, contactId] of [ids, ids.toReversed()]) {
    if (userId && contactId)
      await store.contacts.set(trx, { userId, contactId, state: 'accepted', at: createdAt })
  }
  return { people, expiresAt }
}
