import {
  type EventRow,
  type LogReader,
  positionColumns,
  store,
  type WebhookDeliveryRow,
  type WebhookGroup,
  type WebhookRow,
} from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { ServerLease } from '../jobs/server-lease.ts'
import { eventsOf, webhookTypeOf } from '../views/webhooks.ts'
import { deliveryOf } from './new-delivery.ts'

/** The number of events per transaction: a few milliseconds of work for twenty webhooks. */
const BATCH = 100

type Parts = Pick<Runtime, 'db' | 'now' | 'newId'> & { lease: ServerLease; reader: LogReader }

/** The number of new deliveries of a webhook. */
type Added = ReadonlyMap<string, number>

/**
 * Creates deliveries for the events after the log positions of these webhooks, in log order. Deliveries and positions
 * are written in one transaction.
 *
 * Processes one batch per log position, so webhooks at different positions do not wait for each other.
 *
 * @returns whether there are more events, and how many deliveries were created per webhook.
 */
export async function fanOut(
  parts: Parts,
  webhooks: readonly WebhookRow[],
): Promise<{ hasMore: boolean; added: Added }> {
  let hasMore = false
  const added = new Map<string, number>()
  for (const group of groupByPosition(webhooks)) {
    const { rows: events, isHeldBack } = await parts.reader.read(group.position, BATCH)
    if (events.length === 0) continue
    for (const { webhook_id: id } of await advance(parts, group, events)) {
      added.set(id, (added.get(id) ?? 0) + 1)
    }
    hasMore ||= isHeldBack || events.length === BATCH
  }
  return { hasMore, added }
}

async function advance(
  { db, now, newId, lease }: Parts,
  group: WebhookGroup,
  events: readonly EventRow[],
): Promise<WebhookDeliveryRow[]> {
  const last = events.at(-1)
  if (!last) return []
  return db.transaction().execute(async (trx) => {
    if (!(await lease.renewIn(trx))) return []
    const to = { position: { xid: last.xid, id: last.id }, at: last.created_at }
    const moved = new Set(await store.webhooks.move(trx, group, to))
    const subscribers = group.webhooks.filter(({ id }) => moved.has(id)).map(toSubscriber)
    const rows = events.flatMap((event) =>
      subscribers
        .filter(({ matches }) => matches(event))
        .map(({ webhookId }) => deliveryOf(event, { id: newId(), webhookId, now: now() })),
    )
    await store.deliveries.insertMany(trx, rows)
    return rows
  })
}

/**
 * Moves webhooks whose position is in an earlier epoch, from before a restore, to the end of the log. Which of the
 * current events they have received is unknown.
 */
export async function skipToCurrentEpoch(
  { db, now, log }: Pick<Runtime, 'db' | 'now' | 'log'>,
  epoch: string,
  webhooks: readonly WebhookRow[],
): Promise<void> {
  for (const { id, log_epoch: old } of webhooks) {
    if (old === epoch) continue
    await store.webhooks.update(db, id, positionColumns(epoch, await store.eventLog.findEnd(db), now()))
    log.warn({ webhook: id }, 'the event log was replaced, the webhook continues at its end')
  }
}

function groupByPosition(webhooks: readonly WebhookRow[]): WebhookGroup[] {
  const byPosition = Map.groupBy(webhooks, (row) => `${row.log_epoch} ${row.place_xid} ${row.place_id}`)
  return [...byPosition.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const position = { xid: first.place_xid, id: first.place_id }
    return [{ epoch: first.log_epoch, position, webhooks: group }]
  })
}

function toSubscriber(row: WebhookRow): { webhookId: string; matches(event: EventRow): boolean } {
  const types = eventsOf(row)
  return {
    webhookId: row.id,
    matches(event) {
      const type = webhookTypeOf(event)
      return type !== undefined && (types === null || types.includes(type))
    },
  }
}
