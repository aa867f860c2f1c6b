import type { Statement } from './server-process.ts'
import { call, withServer } from './statements.ts'

/** Two users who write to each other. Each connection of a load uses one pair. */
export interface Pair {
  conversationId: string
  sender: { id: string; username: string }
  recipient: { id: string; username: string }
}

export interface Fixture {
  pairs: Pair[]
  /** The statements that the server runs for one send and for one page of 50. */
  send: { statements: Statement[]; values: SendValues }
  page: Statement
  /** The pair whose messages the page contains. */
  pageOwner: Pair
}

/** The values in the captured statements that change from send to send. */
export interface SendValues {
  messageId: string
  seq: number
  pair: Pair
}

/**
 * Enough messages to fill a page of 50. The seq of the captured send differs from all other numbers in its statements.
 */
const MESSAGES = 137

interface Sent {
  id: string
  seq: number
  conversationId: string
  senderId: string
}

/** Creates pairs of users with a conversation each, in an empty database. */
export function createFixture(databaseUrl: string, pairs: number): Promise<Fixture> {
  return withServer(databaseUrl, async (server, capture) => {
    const created: Pair[] = []
    for (let index = 0; index < pairs; index++) {
      const sender = await createUser(`sender-${index}`)
      const recipient = await createUser(`recipient-${index}`)
      const first = await send(sender.username, recipient.username)
      created.push({ conversationId: first.conversationId, sender, recipient })
    }
    const [pair] = created
    if (!pair) throw new Error('the fixture has no pairs')

    for (let number = 2; number < MESSAGES; number++)
      await send(pair.sender.username, pair.recipient.username)
    let last: Sent | undefined
    const statements = await capture(async () => {
      last = await send(pair.sender.username, pair.recipient.username)
    })
    if (last?.seq !== MESSAGES) throw new Error('the captured send does not have the expected seq')
    const pages = await capture(() =>
      call(server, 'GET', `/v1/conversations/${pair.conversationId}/messages?limit=50`),
    )
    const page = pages.at(-1)
    if (!page) throw new Error('the page ran no statement')
    return {
      pairs: created,
      send: { statements, values: { messageId: last.id, seq: last.seq, pair } },
      page,
      pageOwner: pair,
    }

    async function createUser(username: string) {
      return (await call(server, 'POST', '/v1/users', { username })) as Pair['sender']
    }
    async function send(from: string, to: string) {
      return (await call(server, 'POST', '/v1/messages', {
        from,
        to,
        text: 'How are you? See you at eight.',
      })) as Sent
    }
  })
}
