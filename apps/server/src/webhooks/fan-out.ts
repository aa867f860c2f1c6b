import {
  type EventRow,
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

type Parts = Pick<Runtime, 'db' | 'now' | 'newId'> & { lease: ServerLease }

/** The number of new deliveries of a webhook. */
type Added = ReadonlyMap<string, number>

/**
 * Creates deliveries for the events after the log positions of these webhooks, in log order. Deliveries and positions
 * are written in one transaction.
 *
 * Processes one batch; `isMore` tells whether there are more. Webhooks at different positions do not wait for each
 * other.
 */
export async function fanOut(
  parts: Parts,
  webhooks: readonly WebhookRow[],
): Promise<{ isMore: boolean; added: Added }> {
  let isMore = false
  const added = new Map<string, number>()
  for (const place of placesOf(webhooks)) {
    const events = await store.eventLog.read(parts.db, place.position, BATCH)
    if (events.length === 0) continue
    for (const { webhook_id: id } of await advance(parts, place, events)) {
      added.set(id, (added.get(id) ?? 0) + 1)
    }
    isMore ||= events.length === BATCH
  }
  return { isMore, added }
}

async function advance(
  { db, now, newId, lease }: Parts,
  place: WebhookGroup,
  events: readonly EventRow[],
): Promise<WebhookDeliveryRow[]> {
  const last = events.at(-1)
  if (!last) return []
  return db.transaction().execute(async (trx) => {
    if (!(await lease.renewIn(trx))) return []
    const to = { position: { xid: last.xid, id: last.id }, at: last.created_at }
    const moved = new Set(await store.webhooks.move(trx, place, to))
    const wanted = place.webhooks.filter(({ id }) => moved.has(id)).map(toWanted)
    const rows = events.flatMap((event) =>
      wanted
        .filter(({ isWanted }) => isWanted(event))
        .map(({ webhookId }) => deliveryOf(event, { id: newId(), webhookId, now: now() })),
    )
    await store.deliveries.insertMany(trx, rows)
    return rows
  })
}

/**
 * Moves webhooks with a position in another log, from before a restore, to the end of this one: what they have
 * received is unknown.
 */
export async function leaveOldLog(
  { db, now, log }: Pick<Runtime, 'db' | 'now' | 'log'>,
  epoch: string,
  webhooks: readonly WebhookRow[],
): Promise<void> {
  for (const { id, log_epoch: old } of webhooks) {
    if (old === epoch) continue
    await store.webhooks.update(db, id, positionColumns(epoch, await store.eventLog.findEnd(db), now()))
    log.warn({ webhook: id }, 'the event log was replaced, the webhook continues from its end')
  }
}

/** Groups webhooks by log position. */
function placesOf(webhooks: readonly WebhookRow[]): WebhookGroup[] {
  const byPlace = Map.groupBy(webhooks, (row) => `${row.log_epoch} ${row.place_xid} ${row.place_id}`)
  return [...byPlace.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const position = { xid: first.place_xid, id: first.place_id }
    return [{ epoch: first.log_epoch, position, webhooks: group }]
  })
}

function toWanted(row: WebhookRow): { webhookId: string; isWanted(event: EventRow): boolean } {
  const types = eventsOf(row)
  return {
    webhookId: row.id,
    isWanted(event) {
      const type = webhookTypeOf(event)
      return type !== undefined && (types === null || types.includes(type))
    },
  }
}
