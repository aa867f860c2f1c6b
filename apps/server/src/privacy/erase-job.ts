import {
  type EventTransaction,
  emptyWriteAheadLog,
  FIRST_USER_ID,
  lockKeyOf,
  type MessagePosition,
  store,
} from '@sotto/db'
import { z } from 'zod'
import type { Runtime } from '../app/runtime.ts'
import { originOf, recordAudit } from '../audit/record-audit.ts'
import type { Job, JobOutcome } from '../jobs/job-runner.ts'
import { lockedGroup } from '../messaging/change-group.ts'
import { endParticipation } from '../messaging/end-participation.ts'
import { takeBack } from '../messaging/react.ts'
import { appendContactEvent } from '../people/contact-event.ts'
import type { Presence } from '../realtime/presence.ts'
import { eraseMessages } from './erase-messages.ts'

/** How many messages, reactions or rows one part erases: some milliseconds of work. */
const BATCH = 50
/** How many conversations are looked through for receipts at a time. */
const CONVERSATIONS = 200
/** Rows that take nobody's turn. */
const ROWS = 500
/**
 * How long after the first sweep everything is swept once more, in milliseconds: by then nothing is under way any
 * more for somebody who was the user when it began. Servers know callers for a second, presence lingers for five,
 * marks are gathered for one, and a transaction may take thirty.
 */
const SETTLE_MS = 60_000
/** How soon a write-ahead log that somebody else was reading is looked at again, in milliseconds. */
const READER_MS = 1_000

/** How far an erasure has come: what it does not hold is found by what is still there. */
const progressSchema = z.object({
  sweep: z.enum(['first', 'last', 'done']),
  /** Everything that the user has sent up to here is erased: time in milliseconds, and id. */
  messages: z.tuple([z.number(), z.string()]),
  /** The receipts of the conversations up to this id are gone. */
  receipts: z.string(),
})
type Progress = z.output<typeof progressSchema>

const beginning = { messages: [0, FIRST_USER_ID], receipts: FIRST_USER_ID } satisfies Partial<Progress>

interface Parts extends Pick<Runtime, 'db' | 'now' | 'newId'> {
  readonly presence: Pick<Presence, 'forget'>
}

/** Erases what a user who can log in no more has said and done. */
export async function eraseUserJob(app: Parts, job: Job): Promise<JobOutcome> {
  let progress: Progress =
    job.progress === undefined
      ? { sweep: 'first', ...structuredClone(beginning) }
      : progressSchema.parse(job.progress)
  if (progress.sweep === 'done') return 'done'

  const sweep = { app, job, userId: job.subjectId }
  await leaveGroups(sweep, progress)
  progress = await eraseSent(sweep, progress)
  await takeReactionsBack(sweep, progress)
  progress = await forgetReceipts(sweep, progress)
  await forgetTies(sweep, progress)
  await app.presence.forget(job.subjectId)
  const isLogEmpty = await emptyWriteAheadLog(app.db)

  if (progress.sweep === 'first') {
    await job.advance({ sweep: 'last', ...structuredClone(beginning) }, async () => {})
    return new Date(app.now().getTime() + SETTLE_MS)
  }
  if (!isLogEmpty) return new Date(app.now().getTime() + READER_MS)
  await job.advance({ ...progress, sweep: 'done' }, (trx) =>
    recordAudit(trx, originOf('server', app), { action: 'user.erased', subjectId: job.subjectId }),
  )
  return 'done'
}

interface Sweep {
  app: Parts
  job: Job
  userId: string
}

/** Those who stay are told, and an owner is followed by another. */
async function leaveGroups({ app, job, userId }: Sweep, progress: Progress): Promise<void> {
  for (;;) {
    const ids = await store.erasure.listGroupIds(app.db, userId, BATCH)
    if (ids.length === 0) return
    for (const id of ids) {
      await job.advance(progress, async (trx) => {
        await store.conversations.lock(trx, id)
        const group = await store.conversations.find(trx, id)
        const leaving = await store.participants.find(trx, id, userId)
        if (group && leaving) await endParticipation(lockedGroup(trx, group, app.now()), leaving)
      })
    }
  }
}

async function eraseSent({ app, job, userId }: Sweep, from: Progress): Promise<Progress> {
  let progress = from
  for (;;) {
    const rows = await store.erasure.listSent(app.db, userId, placeOf(progress), BATCH)
    const last = rows.at(-1)
    if (!last) return progress
    progress = { ...progress, messages: [last.created_at.getTime(), last.id] }
    await job.advance(progress, (trx) => eraseMessages(trx, rows, { at: app.now(), withEvents: true }))
  }
}

function placeOf({ messages: [at, id] }: Progress): MessagePosition {
  return { at: new Date(at), id }
}

async function takeReactionsBack({ app, job, userId }: Sweep, progress: Progress): Promise<void> {
  for (;;) {
    const reactions = await store.erasure.listReactions(app.db, userId, BATCH)
    if (reactions.length === 0) return
    const conversations = await store.conversations.findMany(app.db, [
      ...new Set(reactions.map((reaction) => reaction.conversation_id)),
    ])
    await job.advance(progress, async (trx) => {
      await store.conversations.lockMany(trx, conversations.map(lockKeyOf))
      for (const { id, emoji } of reactions) await takeOneBack(trx, id, userId, emoji, app.now())
    })
  }
}

async function takeOneBack(
  trx: EventTransaction,
  messageId: string,
  userId: string,
  emoji: string,
  at: Date,
): Promise<void> {
  const message = await store.messages.find(trx, messageId, null)
  if (message && (await store.reactions.remove(trx, { messageId, userId, emoji }))) {
    await takeBack(trx, message, { userId, emoji, at })
  }
}

async function forgetReceipts({ app, job, userId }: Sweep, from: Progress): Promise<Progress> {
  let progress = from
  for (;;) {
    const ids = await store.erasure.listConversationIds(app.db, userId, progress.receipts, CONVERSATIONS)
    const last = ids.at(-1)
    if (last === undefined) return progress
    for (const id of ids) {
      let isMore = true
      while (isMore) {
        await job.advance(progress, async (trx) => {
          isMore = await store.erasure.removeReceipts(trx, id, userId, ROWS)
        })
      }
    }
    progress = { ...progress, receipts: last }
  }
}

/** Contacts and blocks, on both sides, and once more what logs in: a request that was under way may have made some. */
async function forgetTies({ app, job, userId }: Sweep, progress: Progress): Promise<void> {
  let isMore = true
  while (isMore) {
    await job.advance(progress, async (trx) => {
      await store.erasure.eraseAccount(trx, userId)
      const contacts = await store.erasure.removeContacts(trx, userId, ROWS)
      for (const otherId of contacts.otherIds) await appendContactEvent(trx, otherId, userId, app.now())
      isMore = (await store.erasure.removeBlocks(trx, userId, ROWS)) || contacts.isMore
    })
  }
}
