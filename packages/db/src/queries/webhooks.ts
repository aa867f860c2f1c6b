import type { WebhookTable } from '../schema.ts'
import type { Executor } from '../statement.ts'
import type { LogEnd, LogPosition } from './event-log.ts'
import type { TimePosition } from './inbox.ts'
import { isUuid } from './users.ts'

export type WebhookRow = WebhookTable

const webhookColumns = [
  'id',
  'url',
  'description',
  'events',
  'sealed_secret',
  'previous_sealed_secret',
  'previous_secret_ends_at',
  'disabled_at',
  'disabled_reason',
  'log_epoch',
  'place_xid',
  'place_id',
  'place_at',
  'created_at',
  'updated_at',
  'deleted_at',
] as const

/** A log position with the webhooks that are at it. */
export interface WebhookGroup {
  epoch: string
  position: LogPosition
  webhooks: WebhookRow[]
}

export async function find(db: Executor, id: string): Promise<WebhookRow | undefined> {
  if (!isUuid(id)) return undefined
  return db
    .selectFrom('webhooks')
    .select(webhookColumns)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

/** Newest first. */
export async function list(db: Executor, before: TimePosition, limit: number): Promise<WebhookRow[]> {
  return db
    .selectFrom('webhooks')
    .select(webhookColumns)
    .where('deleted_at', 'is', null)
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(before.at, before.id)))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** All webhooks, including disabled ones and deleted ones that still have deliveries. There are few. */
export async function listAll(db: Executor): Promise<WebhookRow[]> {
  return db.selectFrom('webhooks').select(webhookColumns).orderBy('id').execute()
}

export async function count(db: Executor): Promise<number> {
  const { count } = await db
    .selectFrom('webhooks')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  return count
}

export async function insert(trx: Executor, row: WebhookRow): Promise<void> {
  await trx.insertInto('webhooks').values(row).execute()
}

type WebhookChange = Partial<Omit<WebhookRow, 'id' | 'created_at'>>

/** @returns the updated row, or undefined if the webhook does not exist. */
export async function update(
  trx: Executor,
  id: string,
  change: WebhookChange,
): Promise<WebhookRow | undefined> {
  return trx
    .updateTable('webhooks')
    .set(change)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .returning(webhookColumns)
    .executeTakeFirst()
}

/** Disables a webhook. @returns false if it was already disabled. */
export async function disableGone(trx: Executor, id: string, at: Date): Promise<boolean> {
  const disabled = await trx
    .updateTable('webhooks')
    .set({ disabled_at: at, disabled_reason: 'gone', updated_at: at })
    .where('id', '=', id)
    .where('disabled_at', 'is', null)
    .where('deleted_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return disabled !== undefined
}

/** Removes a deleted webhook, which must have no deliveries left. */
export async function remove(trx: Executor, id: string): Promise<void> {
  await trx.deleteFrom('webhooks').where('id', '=', id).where('deleted_at', 'is not', null).execute()
}

/** The columns that store a log position. */
export function positionColumns(
  epoch: string,
  { position, at }: LogEnd,
  now: Date,
): Pick<WebhookRow, 'log_epoch' | 'place_xid' | 'place_id' | 'place_at'> {
  return { log_epoch: epoch, place_xid: position.xid, place_id: position.id, place_at: at ?? now }
}

/**
 * Moves webhooks from one position to a later one.
 *
 * @returns the ids of the webhooks that were moved: those still at the position and enabled.
 */
export async function move(
  trx: Executor,
  { epoch, position, webhooks }: WebhookGroup,
  to: { position: LogPosition; at: Date },
): Promise<string[]> {
  const moved = await trx
    .updateTable('webhooks')
    .set({ place_xid: to.position.xid, place_id: to.position.id, place_at: to.at })
    .where(
      'id',
      'in',
      webhooks.map(({ id }) => id),
    )
    .where('log_epoch', '=', epoch)
    .where('place_xid', '=', position.xid)
    .where('place_id', '=', position.id)
    .where('disabled_at', 'is', null)
    .where('deleted_at', 'is', null)
    .returning('id')
    .execute()
  return moved.map(({ id }) => id)
}

/**
 * The time of the oldest position of an enabled webhook. Undefined if no webhook is enabled.
 *
 * @param latest a position with a later time was written by a clock that was ahead, so it can be of any age.
 */
export async function findOldestPosition(db: Executor, latest: Date): Promise<Date | undefined> {
  const rows = await db
    .selectFrom('webhooks')
    .select('place_at')
    .where('disabled_at', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('place_at')
    .execute()
  return rows.some((row) => row.place_at > latest) ? new Date(0) : rows[0]?.place_at
}
