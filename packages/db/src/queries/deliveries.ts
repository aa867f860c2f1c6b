import type { WebhookDeliveryTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { TimePosition } from './inbox.ts'
import { isUuid } from './users.ts'

export type WebhookDeliveryRow = WebhookDeliveryTable

const deliveryColumns = [
  'id',
  'webhook_id',
  'event_id',
  'type',
  'conversation_id',
  'audience_user_id',
  'user_id',
  'message_id',
  'seq',
  'detail',
  'event_at',
  'state',
  'attempts',
  'last_status',
  'last_error',
  'due_at',
  'delivered_at',
  'created_at',
] as const
export type DeliveryState = WebhookDeliveryRow['state']

/** The number of rows per insert. Stays far below the parameter limits of both databases. */
const INSERT_ROWS = 500

/** Inserts deliveries, in the transaction that moves the positions of their webhooks. */
export async function insertMany(trx: Executor, rows: readonly WebhookDeliveryRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += INSERT_ROWS) {
    await trx
      .insertInto('webhook_deliveries')
      .values(rows.slice(from, from + INSERT_ROWS))
      .execute()
  }
}

export async function find(
  db: Executor,
  webhookId: string,
  id: string,
): Promise<WebhookDeliveryRow | undefined> {
  if (!isUuid(webhookId) || !isUuid(id)) return undefined
  return db
    .selectFrom('webhook_deliveries')
    .select(deliveryColumns)
    .where('id', '=', id)
    .where('webhook_id', '=', webhookId)
    .executeTakeFirst()
}

/** A webhook's deliveries, newest first. */
export async function list(
  db: Executor,
  { webhookId, state }: { webhookId: string; state?: DeliveryState | undefined },
  before: TimePosition,
  limit: number,
): Promise<WebhookDeliveryRow[]> {
  const query = db
    .selectFrom('webhook_deliveries')
    .select(deliveryColumns)
    .where('webhook_id', '=', webhookId)
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(before.at, before.id)))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  return (state === undefined ? query : query.where('state', '=', state)).execute()
}

const dueDeliveries = statement((db, p: { webhookId: string; now: Date; limit: number }) =>
  db
    .selectFrom('webhook_deliveries')
    .select(deliveryColumns)
    .where('webhook_id', '=', p.webhookId)
    .where('due_at', '<=', p.now)
    .orderBy('due_at')
    .orderBy('id')
    .limit(p.limit),
)

/** The due deliveries of a webhook, longest due first, then oldest first. */
export async function listDue(
  db: Executor,
  webhookId: string,
  now: Date,
  limit: number,
): Promise<WebhookDeliveryRow[]> {
  return dueDeliveries(db, { webhookId, now, limit })
}

/**
 * Makes up to `limit` deliveries due that are due later than `latest`, which a clock that was ahead has scheduled.
 *
 * @returns the number of changed deliveries.
 */
export async function advance(
  db: Executor,
  webhookId: string,
  { now, latest }: { now: Date; latest: Date },
  limit: number,
): Promise<number> {
  const changed = await db
    .updateTable('webhook_deliveries')
    .set({ due_at: now })
    .where((eb) =>
      eb(
        'id',
        'in',
        eb
          .selectFrom('webhook_deliveries')
          .select('id')
          .where('webhook_id', '=', webhookId)
          .where('due_at', '>', latest)
          .orderBy('due_at')
          .orderBy('id')
          .limit(limit),
      ),
    )
    .returning('id')
    .execute()
  return changed.length
}

const waitingDeliveries = statement((db, p: { webhookId: string; limit: number }) =>
  db
    .selectFrom(
      db
        .selectFrom('webhook_deliveries')
        .select('id')
        .where('webhook_id', '=', p.webhookId)
        .where('due_at', 'is not', null)
        .limit(p.limit)
        .as('waiting'),
    )
    .select((eb) => eb.fn.countAll<number>().as('count')),
)

/** The number of deliveries a webhook still has to receive, counted up to `limit`. */
export async function countWaiting(db: Executor, webhookId: string, limit: number): Promise<number> {
  const [row] = await waitingDeliveries(db, { webhookId, limit })
  return row?.count ?? 0
}

/** The outcome of an attempt. */
export type AttemptEnd = Pick<
  WebhookDeliveryRow,
  'state' | 'attempts' | 'last_status' | 'last_error' | 'due_at' | 'delivered_at'
>

/** Records the outcome of an attempt. @returns false, without writing, if the delivery has been restarted since. */
export async function endAttempt(
  db: Executor,
  { id, attempts }: Pick<WebhookDeliveryRow, 'id' | 'attempts'>,
  end: AttemptEnd,
): Promise<boolean> {
  const ended = await db
    .updateTable('webhook_deliveries')
    .set(end)
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .where('attempts', '=', attempts)
    .returning('id')
    .executeTakeFirst()
  return ended !== undefined
}

/** Restarts a delivery, whatever its state. */
export async function restart(
  trx: Executor,
  { id, webhook_id: webhookId }: Pick<WebhookDeliveryRow, 'id' | 'webhook_id'>,
  at: Date,
): Promise<WebhookDeliveryRow | undefined> {
  const fresh = { state: 'pending', attempts: 0, last_status: null, last_error: null } as const
  return trx
    .updateTable('webhook_deliveries')
    .set({ ...fresh, due_at: at, delivered_at: null })
    .where('id', '=', id)
    .where('webhook_id', '=', webhookId)
    .returning(deliveryColumns)
    .executeTakeFirst()
}

/**
 * Deletes up to `limit` of a webhook's oldest deliveries in this state that were created before this time.
 *
 * @returns the number of deleted deliveries.
 */
export async function removeOld(
  db: Executor,
  { webhookId, state }: { webhookId: string; state: DeliveryState },
  before: Date,
  limit: number,
): Promise<number> {
  const deleted = await db
    .deleteFrom('webhook_deliveries')
    .where((eb) =>
      eb(
        'id',
        'in',
        eb
          .selectFrom('webhook_deliveries')
          .select('id')
          .where('webhook_id', '=', webhookId)
          .where('state', '=', state)
          .where('created_at', '<', before)
          .orderBy('created_at')
          .orderBy('id')
          .limit(limit),
      ),
    )
    .returning('id')
    .execute()
  return deleted.length
}
