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

/** One place in the log with the webhooks that have come this far. */
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

/** All of them, those that are disabled and those that are deleted and still have deliveries too. There are few. */
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

/** @returns the row as it stands then; undefined when there is no such webhook. */
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

/** Disables a webhook unless it is already. @returns whether it was enabled. */
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

/** Removes a deleted webhook, whose deliveries must be gone. */
export async function remove(trx: Executor, id: string): Promise<void> {
  await trx.deleteFrom('webhooks').where('id', '=', id).where('deleted_at', 'is not', null).execute()
}

/** The columns of a place in the log. */
export function positionColumns(
  epoch: string,
  { position, at }: LogEnd,
  now: Date,
): Pick<WebhookRow, 'log_epoch' | 'place_xid' | 'place_id' | 'place_at'> {
  return { log_epoch: epoch, place_xid: position.xid, place_id: position.id, place_at: at ?? now }
}

/**
 * Moves webhooks from one place to a later one.
 *
 * @returns the ids of those that were moved: those that stood there, and are enabled.
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

/** When the event was written that the webhook has come to that is furthest behind; undefined without an enabled one. */
export async function findOldestPosition(db: Executor): Promise<Date | undefined> {
  const row = await db
    .selectFrom('webhooks')
    .select('place_at')
    .where('disabled_at', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('place_at')
    .limit(1)
    .executeTakeFirst()
  return row?.place_at
}
