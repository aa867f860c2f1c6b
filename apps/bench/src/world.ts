import type { Statement } from './server-process.ts'
import { ask, withServer } from './statements.ts'

/** Two users who write to each other, one pair for each connection of a load. */
export interface Lane {
  conversationId: string
  sender: { id: string; username: string }
  recipient: { id: string; username: string }
}

export interface World {
  lanes: Lane[]
  /** What one send and one page of 50 ask of the database, as the server asked it. */
  send: { statements: Statement[]; values: SendValues }
  page: Statement
  /** What the page was asked for. */
  pageOf: Lane
}

/** The values in the captured statements that stand for something, and change from send to send. */
export interface SendValues {
  messageId: string
  seq: number
  lane: Lane
}

/** So many messages that a page of 50 is full, and that the seq of the captured send is like no other number. */
const MESSAGES = 137

interface Sent {
  id: string
  seq: number
  conversationId: string
  senderId: string
}

/** Makes pairs of users with a conversation each, in an empty database. */
export function makeWorld(databaseUrl: string, pairs: number): Promise<World> {
  return withServer(databaseUrl, async (server, capture) => {
    const lanes: Lane[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const sender = await makeUser(`sender-${pair}`)
      const recipient = await makeUser(`recipient-${pair}`)
      const first = await send(sender.username, recipient.username)
      lanes.push({ conversationId: first.conversationId, sender, recipient })
    }
    const [lane] = lanes
    if (!lane) throw new Error('a world has a pair at least')

    for (let number = 2; number < MESSAGES; number++)
      await send(lane.sender.username, lane.recipient.username)
    let last: Sent | undefined
    const statements = await capture(async () => {
      last = await send(lane.sender.username, lane.recipient.username)
    })
    if (last?.seq !== MESSAGES) throw new Error('the captured send is not the one that was meant')
    const pages = await capture(() =>
      ask(server, 'GET', `/v1/conversations/${lane.conversationId}/messages?limit=50`),
    )
    const page = pages.at(-1)
    if (!page) throw new Error('the page asked nothing of the database')
    return {
      lanes,
      send: { statements, values: { messageId: last.id, seq: last.seq, lane } },
      page,
      pageOf: lane,
    }

    async function makeUser(username: string) {
      return (await ask(server, 'POST', '/v1/users', { username })) as Lane['sender']
    }
    async function send(from: string, to: string) {
      return (await ask(server, 'POST', '/v1/messages', {
        from,
        to,
        text: 'How are you? See you at eight.',
      })) as Sent
    }
  })
}
