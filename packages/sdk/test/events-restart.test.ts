import type { Event, EventTransport, SottoClient } from '@sotto/sdk'
import { createClient, webSocket } from '@sotto/sdk'
import { createEmptyDatabase, spawnServer } from '@sotto/testing/internal'
import { expect, it } from 'vitest'

const SERVICE_KEY = `sk_${'sdk-test-'.repeat(5)}`
const SENDERS = 4
const MESSAGES_EACH = 100
/** The number of messages received when the server stops. */
const BEFORE_STOP = 100
/** Longer than a server takes to start on a busy machine. */
const TIMEOUT_MS = 40_000

const transports: readonly (readonly [string, EventTransport | undefined])[] = [
  ['Server-Sent Events', undefined],
  ['a WebSocket', webSocket()],
]

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'each event arrives once over both transports despite a restart of the server (%s)',
  async (signal) => {
    await using database = await createEmptyDatabase('sqlite')
    const settings = { SOTTO_SERVICE_KEY: SERVICE_KEY, DATABASE_URL: database.url }
    const first = await spawnServer(settings)
    const client = createClient({
      url: first.url,
      token: SERVICE_KEY,
      timeoutMs: TIMEOUT_MS,
      // Enough retries to outlast the restart.
      retries: 100,
      events: { maxBackoffMs: 100 },
    })
    for (const username of ['bob', ...senders]) await client.users.create({ username })
    // Every reader starts from the same position, no matter when its stream connects.
    const { cursor } = await client.as('bob').events.pull()
    const readers = transports.map(([name, transport]) => readAll(client.as('bob'), name, transport, cursor))

    const storm = Promise.all(senders.map((username) => sendAll(client.as(username))))
    await expect.poll(() => readers.every(({ texts }) => texts.length >= BEFORE_STOP)).toBe(true)
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
  2 * TIMEOUT_MS,
)

const senders = Array.from({ length: SENDERS }, (_, i) => `sender${i}`)

function textsOf(username: string): string[] {
  return Array.from({ length: MESSAGES_EACH }, (_, i) => `${username} ${i}`)
}

async function sendAll(client: SottoClient): Promise<void> {
  const { username } = await client.users.me()
  for (const text of textsOf(username)) await client.messages.send({ to: 'bob', text })
}

/** Reads until everything sent has arrived, or until the timeout. */
function readAll(client: SottoClient, name: string, transport: EventTransport | undefined, cursor: string) {
  const events: Event[] = []
  const textsIn = () =>
    events.flatMap((event) => (event.type === 'message.created' ? event.message.text : []))
  async function read(): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
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
