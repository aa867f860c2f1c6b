import { randomUUID } from 'node:crypto'
import type { LogType } from '@sotto/contract'
import type { Conversation } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { expect, test } from 'vitest'
import { DeliveryMarks } from '../src/messaging/delivery-marks.ts'
import { createItems } from '../src/realtime/event-items.ts'
import { WriteTurns } from '../src/realtime/write-turns.ts'

/* SQLite is synchronous, so long work must let other work run in between. PostgreSQL is asynchronous in any case. */

/** Counts calls in each iteration of the event loop. */
class Iterations {
  #count = 0
  #most = 0
  #next: NodeJS.Immediate | undefined

  add(): void {
    this.#count++
  }

  /** The most calls in one iteration while this runs. */
  async during(work: () => Promise<unknown>): Promise<number> {
    const step = () => {
      this.#most = Math.max(this.#most, this.#count)
      this.#count = 0
      this.#next = setImmediate(step)
    }
    step()
    this.#most = 0
    await work()
    clearImmediate(this.#next)
    return Math.max(this.#most, this.#count)
  }
}

/** Appends events of alice in her group. */
async function appendEvents(server: RunningServer, type: LogType, groupId: string, count: number) {
  const { id: userId } = await server.client.users.get({ user: 'alice' })
  const event = {
    type,
    conversation_id: groupId,
    audience_user_id: null,
    user_id: userId,
    message_id: null,
    seq: 0,
    detail: null,
    created_at: server.app.now(),
  }
  for (let from = 0; from < count; from += 500) {
    await server.app.db
      .insertInto('events')
      .values(Array.from({ length: 500 }, () => event))
      .execute()
  }
}

async function start(onStatement: (sql: string) => void) {
  const server = await startServer('sqlite', { users: ['alice', 'bob'], overrides: { onStatement } })
  const { id } = await server.call<Conversation>('alice', 'POST', '/v1/conversations', {
    name: 'Group',
    participants: ['bob'],
  })
  return { server, groupId: id }
}

test('missed events that their reader may not see are skipped in several turns', async () => {
  const statements = new Iterations()
  const { server, groupId } = await start(() => statements.add())
  await using _server = server
  const { cursor } = await server.call<{ cursor: string }>('bob', 'GET', '/v1/events/pull')
  await server.call('bob', 'PUT', '/v1/blocks/alice')
  await appendEvents(server, 'receipt.read', groupId, 2_000)
  const pull = () => server.call<{ items: unknown[] }>('bob', 'GET', `/v1/events/pull?cursor=${cursor}`)
  const most = await statements.during(async () => expect((await pull()).items).toEqual([]))
  expect(most).toBeLessThan(50)
})

test('a long log is read in several turns', async () => {
  const reads = new Iterations()
  const { server } = await start((sql) => {
    if (/from "events"/.test(sql) && /order by "id" limit/.test(sql)) reads.add()
  })
  await using _server = server
  // No one with a stream receives these events, so nothing else is done for them.
  const { id: groupId } = await server.call<Conversation>('alice', 'POST', '/v1/conversations', {
    name: 'Alone',
    participants: [],
  })
  await using bob = await server.sse('bob', '')
  await appendEvents(server, 'receipt.read', groupId, 5_000)
  const most = await reads.during(async () => {
    await server.send('alice', 'bob', 'the last')
    await bob.inbox.untilText('the last')
  })
  expect(most).toBeLessThan(4)
})

test('the views of an event of a large group are created in several turns', async () => {
  const views = new Iterations()
  const { server, groupId } = await start(() => {})
  await using _server = server
  const row = {
    xid: '0',
    id: 1,
    type: 'conversation.updated' as const,
    conversation_id: groupId,
    audience_user_id: null,
    user_id: null,
    message_id: null,
    seq: 0,
    detail: null,
    created_at: server.app.now(),
  }
  const userIds = Array.from({ length: 250 }, () => randomUUID())
  const loadConversations = async () => () => {
    views.add()
    return undefined
  }
  const sources = { db: server.app.db, loadConversations }
  const most = await views.during(() => createItems(sources, 'epoch', [{ row, userIds }]))
  expect(most).toBeGreaterThan(50)
  expect(most).toBeLessThanOrEqual(101)
})

test('streams that have the same event are written in several turns', async () => {
  const writes = new Iterations()
  const turns = new WriteTurns()
  let written = 0
  const takeTurn = () => {
    written++
    writes.add()
  }
  const most = await writes.during(async () => {
    for (let stream = 0; stream < 1_000; stream++) turns.add({ takeTurn })
    await turns.finished()
  })
  expect(written).toBe(1_000)
  expect(most).toBe(100)
})

test('streams that always have more to write do not delay other events for ever', async () => {
  const turns = new WriteTurns()
  let isBusy = true
  const busy = { takeTurn: () => void (isBusy && turns.add(busy)) }
  turns.add(busy)
  await turns.finished()
  await turns.finished()
  isBusy = false
})

test('delivery marks that do not move are checked in several turns', async () => {
  const lookups = new Iterations()
  const { server } = await start((sql) => {
    if (/inner join "participants".*"delivered_seq" < "given"\."seq"/s.test(sql)) lookups.add()
  })
  await using _server = server
  const marks = new DeliveryMarks(server.app)
  const most = await lookups.during(async () => {
    marks.note(randomUUID(), new Map(Array.from({ length: 1_000 }, () => [randomUUID(), [1]])))
    await marks.close()
  })
  expect(most).toBe(1)
})
