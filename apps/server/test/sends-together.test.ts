import { directKey } from '@sotto/db'
import { SottoError } from '@sotto/sdk'
import { dialects, type RunningServer, startServer, withPostgres } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

/*
 * Messages that are ready at the same time are written in one transaction. Nobody can tell, but by the time that it
 * takes: what is wrong with one is told to its sender alone.
 */

const PAIRS = 30
const senders = Array.from({ length: PAIRS }, (_, n) => `sender-${n}`)
const recipients = Array.from({ length: PAIRS }, (_, n) => `recipient-${n}`)

/** What each of the pairs said at once: the text that arrived, or the code of the refusal. */
function sayAtOnce(world: RunningServer, textOf: (n: number) => string): Promise<string[]> {
  return Promise.all(
    senders.map(async (sender, n) => {
      try {
        const to = recipients[n] ?? ''
        const sent = await world.client
          .as(sender)
          .messages.send({ to, text: textOf(n), clientMessageId: 'one' })
        return sent.text ?? ''
      } catch (error) {
        if (error instanceof SottoError) return error.code
        throw error
      }
    }),
  )
}

describe.each(dialects)('messages sent at once on %s', (using) => {
  test('first ones make their conversations, and repeats are told of them', async () => {
    await using world = await startServer(using, { users: [...senders, ...recipients] })
    const hello = senders.map((sender) => `hello of ${sender}`)
    expect(await sayAtOnce(world, (n) => hello[n] ?? '')).toEqual(hello)
    expect(await sayAtOnce(world, (n) => hello[n] ?? '')).toEqual(hello)
    for (const recipient of recipients) {
      const { items } = await world.client.as(recipient).conversations.list()
      expect(items).toMatchObject([{ lastSeq: 1, unreadCount: 1 }])
    }
  })

  test('are refused one by one', async () => {
    await using world = await startServer(using, { users: [...senders, ...recipients] })
    await world.client
      .as('sender-1')
      .messages.send({ to: 'recipient-1', text: 'before', clientMessageId: 'one' })
    await world.client.as('recipient-2').blocks.add({ user: 'sender-2' })
    const said = await sayAtOnce(world, (n) => `text ${n}`)
    expect(said[1]).toBe('IDEMPOTENCY_CONFLICT')
    expect(said[2]).toBe('FORBIDDEN')
    expect(said.filter((text, n) => text === `text ${n}`)).toHaveLength(PAIRS - 2)
  })

  test('fail one by one, where the database takes one of them not', async () => {
    await using world = await startServer(using, { users: [...senders, ...recipients] })
    await refuseInDatabase(world, using, 'text 7')
    const said = await sayAtOnce(world, (n) => `text ${n}`)
    expect(said[7]).toBe('INTERNAL')
    expect(said.filter((text, n) => text === `text ${n}`)).toHaveLength(PAIRS - 1)
    const { items } = await world.client.messages.list({ between: ['sender-7', 'recipient-7'] })
    expect(items).toEqual([])
  })

  test('are UNAVAILABLE when they had to wait for too long, and were not written', async () => {
    let leap = 0
    // From one look at the clock to the next more time goes by than a message waits.
    const now = () => {
      leap += 60_000
      return new Date(Date.now() + leap)
    }
    await using world = await startServer(using, { users: ['alice', 'bob'], overrides: { now } })
    await expect(world.call('alice', 'POST', '/v1/messages', { to: 'bob', text: 'hello' })).rejects.toThrow(
      /UNAVAILABLE|503/,
    )
    const { items } = await world.client.messages.list()
    expect(items).toEqual([])
  })
})

test('one whose turn somebody else has on PostgreSQL keeps nobody waiting', async () => {
  await using world = await startServer('postgres', { users: [...senders, ...recipients] })
  const [a, b] = await Promise.all(
    ['sender-3', 'recipient-3'].map(async (user) => (await world.client.users.get({ user })).id),
  )
  const key = directKey(a ?? '', b ?? '')
  await withPostgres(world.databaseUrl, async (client) => {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [key])
    const others = senders.filter((sender) => sender !== 'sender-3')
    let isThere = false
    const waiting = world.send('sender-3', 'recipient-3', 'late').then((sent) => {
      isThere = true
      return sent
    })
    await Promise.all(
      others.map((sender) => world.send(sender, sender.replace('sender', 'recipient'), 'in time')),
    )
    expect(isThere).toBe(false)
    await client.query('commit')
    expect((await waiting).text).toBe('late')
  })
})

async function refuseInDatabase(
  world: RunningServer,
  using: 'sqlite' | 'postgres',
  text: string,
): Promise<void> {
  const { db } = world.app
  if (using === 'sqlite') {
    await sql
      .raw(
        `create trigger refuse before insert on messages when new.text = '${text}'
         begin select raise(abort, 'refused'); end`,
      )
      .execute(db)
    return
  }
  await sql
    .raw(
      `create function refuse() returns trigger language plpgsql as
       $$ begin raise exception 'refused'; end $$;
       create trigger refuse before insert on messages for each row when (new.text = '${text}')
       execute function refuse()`,
    )
    .execute(db)
}
