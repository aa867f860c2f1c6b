import type { Event, EventTransport, SottoClient } from '@sotto/sdk'
import { createClient, webSocket } from '@sotto/sdk'
import { createEmptyDatabase, spawnServer } from '@sotto/testing/internal'
import { expect, it } from 'vitest'

const SERVICE_KEY = `sk_${'sdk-test-'.repeat(5)}`
const SENDERS = 4
const MESSAGES_EACH = 100
/** How many have come when the server goes. */
const BEFORE_THE_STOP = 100
/** Longer than a server takes to start on a busy machine. */
const PATIENCE_MS = 40_000

const transports: readonly (readonly [string, EventTransport | undefined])[] = [
  ['Server-Sent Events', undefined],
  ['a WebSocket', webSocket()],
]

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'a storm of events with a restart in the middle (%s) comes whole, and every event once, over both transports',
  async (signal) => {
    await using database = await createEmptyDatabase('sqlite')
    const settings = { SOTTO_SERVICE_KEY: SERVICE_KEY, DATABASE_URL: database.url }
    const first = await spawnServer(settings)
    const client = createClient({
      url: first.url,
      token: SERVICE_KEY,
      timeoutMs: PATIENCE_MS,
      // Enough of them to outlast the restart.
      retries: 100,
      events: { maxBackoffMs: 100 },
    })
    for (const username of ['bob', ...senders]) await client.users.create({ username })
    // A reader's place is known before the first event, whenever its stream connects.
    const { cursor } = await client.as('bob').events.pull()
    const readers = transports.map(([name, transport]) => readAll(client.as('bob'), name, transport, cursor))

    const storm = Promise.all(senders.map((username) => sendAll(client.as(username))))
    await expect.poll(() => readers.every(({ texts }) => texts.length >= BEFORE_THE_STOP)).toBe(true)
    await first.stop(signal)
    await using _second = await spawnServer({ ...settings, PORT: new URL(first.url).port })
    await storm

    for (const reader of readers) {
      await reader.ended
      expect(new Set(reader.ids).size, reader.name).toBe(reader.ids.length)
      expect(reader.types, reader.name).not.toContain('resync')
      for (const username of senders) {
        const own = reader.texts.filter((text) => text?.startsWith(`${username} `))
        expect(own, reader.name).toEqual(textsOf(username))
      }
    }
  },
  2 * PATIENCE_MS,
)

const senders = Array.from({ length: SENDERS }, (_, i) => `sender${i}`)

function textsOf(username: string): string[] {
  return Array.from({ length: MESSAGES_EACH }, (_, i) => `${username} ${i}`)
}

async function sendAll(client: SottoClient): Promise<void> {
  const { username } = await client.users.me()
  for (const text of textsOf(username)) await client.messages.send({ to: 'bob', text })
}

/** Reads until everything that is sent has come, or for as long as one is patient. */
function readAll(client: SottoClient, name: string, transport: EventTransport | undefined, cursor: string) {
  const events: Event[] = []
  const textsIn = () =>
    events.flatMap((event) => (event.type === 'message.created' ? event.message.text : []))
  async function read(): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    for await (const event of client.events({ transport, cursor, signal })) {
      events.push(event)
      if (textsIn().length === SENDERS * MESSAGES_EACH) return
    }
  }
  return {
    name,
    ended: read(),
    get texts() {
      return textsIn()
    },
    get types() {
      return events.map(({ type }) => type)
    },
    get ids() {
      return events.map(({ id }) => id)
    },
  }
}
