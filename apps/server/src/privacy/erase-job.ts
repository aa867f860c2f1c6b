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
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import type { Job, JobOutcome } from '../jobs/job-runner.ts'
import { lockedGroup } from '../messaging/change-group.ts'
import { endParticipation } from '../messaging/end-participation.ts'
import { recordRemovedReaction } from '../messaging/react.ts'
import { appendContactEvent } from '../people/contact-event.ts'
import type { Presence } from '../realtime/presence.ts'
import { eraseMessages } from './erase-messages.ts'

/** Messages or reactions per transaction, which holds conversation locks: a few milliseconds of work. */
const BATCH = 50
/** Conversations per page while deleting receipts. */
const CONVERSATION_PAGE = 200
/** Rows per transaction in steps that take no conversation lock. */
const ROW_BATCH = 500
/**
 * The delay before the second sweep, in milliseconds. It erases the writes of requests that were authenticated before
 * the erasure: servers cache callers for 1 s, keep presence for 5 s and collect delivery marks for 1 s, and a
 * transaction can take 30 s.
 */
const SETTLE_MS = 60_000
/** How soon emptying the write-ahead log is retried if a reader prevented it, in milliseconds. */
const READER_RETRY_MS = 1_000

/** Steps without a position here delete whatever they find, so they can restart at any time. */
const progressSchema = z.object({
  sweep: z.enum(['first', 'last', 'done']),
  /** All messages up to this position are erased: time in milliseconds, and id. */
  messages: z.tuple([z.number(), z.string()]),
  /** The receipts in conversations up to this id are deleted. */
  receipts: z.string(),
})
type Progress = z.output<typeof progressSchema>

const start = { messages: [0, FIRST_USER_ID], receipts: FIRST_USER_ID } satisfies Partial<Progress>

interface Parts extends Pick<Runtime, 'db' | 'now' | 'newId'> {
  readonly presence: Pick<Presence, 'forget'>
}

/**
 * Erases the content of a user who can no longer sign in, in two sweeps. Records the completion in the audit log.
 */
export async function eraseUserJob(app: Parts, job: Job): Promise<JobOutcome> {
  let progress: Progress =
    job.progress === undefined
      ? { sweep: 'first', ...structuredClone(start) }
      : progressSchema.parse(job.progress)
  if (progress.sweep === 'done') return 'done'

  const sweep = { app, job, userId: job.subjectId }
  await leaveGroups(sweep, progress)
  progress = await eraseSentMessages(sweep, progress)
  await removeReactions(sweep, progress)
  progress = await removeReceipts(sweep, progress)
  await removeContactsAndBlocks(sweep, progress)
  await app.presence.forget(job.subjectId)
  const isLogEmpty = await emptyWriteAheadLog(app.db)

  if (progress.sweep === 'first') {
    await job.advance({ sweep: 'last', ...structuredClone(start) }, async () => {})
    return new Date(app.now().getTime() + SETTLE_MS)
  }
  if (!isLogEmpty) return new Date(app.now().getTime() + READER_RETRY_MS)
  await job.advance({ ...progress, sweep: 'done' }, (trx) =>
    recordAudit(trx, auditOriginOf('server', app), { action: 'user.erased', subjectId: job.subjectId }),
  )
  return 'done'
}

interface Sweep {
  app: Parts
  job: Job
  userId: string
}

/** Ends the user's stays, with events for the remaining participants and a new owner where needed. */
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

async function eraseSentMessages({ app, job, userId }: Sweep, from: Progress): Promise<Progress> {
  let progress = from
  for (;;) {
    const rows = await store.erasure.listSent(app.db, userId, positionOf(progress), BATCH)
    const last = rows.at(-1)
    if (!last) return progress
    progress = { ...progress, messages: [last.created_at.getTime(), last.id] }
    await job.advance(progress, (trx) => eraseMessages(trx, rows, { at: app.now(), withEvents: true }))
  }
}

function positionOf({ messages: [at, id] }: Progress): MessagePosition {
  return { at: new Date(at), id }
}

async function removeReactions({ app, job, userId }: Sweep, progress: Progress): Promise<void> {
  for (;;) {
    const reactions = await store.erasure.listReactions(app.db, userId, BATCH)
    if (reactions.length === 0) return
    const conversations = await store.conversations.findMany(app.db, [
      ...new Set(reactions.map((reaction) => reaction.conversation_id)),
    ])
    await job.advance(progress, async (trx) => {
      await store.conversations.lockMany(trx, conversations.map(lockKeyOf))
      for (const { id, emoji } of reactions) await removeReaction(trx, id, userId, emoji, app.now())
    })
  }
}

async function removeReaction(
  trx: EventTransaction,
  messageId: string,
  userId: string,
  emoji: string,
  at: Date,
): Promise<void> {
  const message = await store.messages.find(trx, messageId, null)
  if (message && (await store.reactions.remove(trx, { messageId, userId, emoji }))) {
    await recordRemovedReaction(trx, message, { userId, emoji, at })
  }
}

async function removeReceipts({ app, job, userId }: Sweep, from: Progress): Promise<Progress> {
  let progress = from
  for (;;) {
    const ids = await store.erasure.listConversationIds(app.db, userId, progress.receipts, CONVERSATION_PAGE)
    const last = ids.at(-1)
    if (last === undefined) return progress
    for (const id of ids) {
      let hasMore = true
      while (hasMore) {
        await job.advance(progress, async (trx) => {
          hasMore = await store.erasure.removeReceipts(trx, id, userId, ROW_BATCH)
        })
      }
    }
    progress = { ...progress, receipts: last }
  }
}

/** Removes contacts and blocks on both sides. Erases the account again, in case a concurrent request wrote to it. */
async function removeContactsAndBlocks({ app, job, userId }: Sweep, progress: Progress): Promise<void> {
  let hasMore = true
  while (hasMore) {
    await job.advance(progress, async (trx) => {
      await store.erasure.eraseAccount(trx, userId)
      const contacts = await store.erasure.removeContacts(trx, userId, ROW_BATCH)
      for (const otherId of contacts.otherIds) await appendContactEvent(trx, otherId, userId, app.now())
      hasMore = (await store.erasure.removeBlocks(trx, userId, ROW_BATCH)) || contacts.isMore
    })
  }
}
