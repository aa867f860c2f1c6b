import type { Event } from '@sotto/contract'
import type { EventArrival, EventConnection } from './event-transport.ts'
import { get, lifetimeOf } from './event-transport.ts'
import { parseWithTimes } from './times.ts'
import { errorOfBody, parse } from './transport.ts'

/** How long the server waits for an event, in seconds: less than most proxies wait for a response. */
const WAIT_S = 20
/** How much longer a response may take, in seconds. */
const SLACK_S = 5

interface EventPage {
  items: Event[]
  cursor: string
}

/**
 * `GET /v1/events/pull`, repeated. Works behind every proxy that passes ordinary requests. Does not report presence, and
 * typing only during a request.
 */
export async function* longPoll(connection: EventConnection): AsyncGenerator<EventArrival, void> {
  const { conversationId, silenceMs } = connection
  const longestS = Math.min(Math.max(1, Math.floor(silenceMs / 1_000) - SLACK_S), WAIT_S)
  const lifetime = lifetimeOf(connection.signal)
  let { cursor } = connection
  // The first response comes immediately and shows that the connection works.
  let waitS = 0
  try {
    for (;;) {
      const page = await lifetime.within(
        Math.max(silenceMs, (waitS + SLACK_S) * 1_000),
        pullEvents(connection, { cursor, wait: waitS }, lifetime.signal),
      )
      for (const event of page.items) {
        const isWanted = event.conversationId === conversationId || event.type === 'resync'
        if (conversationId === undefined || isWanted) yield { event }
      }
      cursor = page.cursor
      yield { cursor }
      waitS = longestS
    }
  } finally {
    lifetime.end()
  }
}

/** Requests the events after the cursor, or the current cursor. */
export async function pullEvents(
  connection: EventConnection,
  { cursor, wait }: { cursor?: string | undefined; wait?: number },
  signal: AbortSignal,
): Promise<EventPage> {
  const url = `${connection.base}/v1/events/pull`
  const response = await get(connection, url, { cursor, wait: wait?.toString() }, signal)
  const text = await response.text()
  const json = parse(text)
  if (response.status !== 200 || !isEventPage(json)) throw errorOfBody(url, response, json)
  return parseWithTimes(text) as EventPage
}

function isEventPage(json: unknown): json is EventPage {
  const { items, cursor } = (json ?? {}) as Partial<EventPage>
  return Array.isArray(items) && typeof cursor === 'string'
}
