import { directKey } from '@sotto/db'
import { SottoError } from '@sotto/sdk'
import { dialects, type RunningServer, startServer, withPostgres } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

/*
 * Messages that are ready at the same time are written in one transaction. Senders must not notice: an error in one
 * message affects only its sender.
 */

const PAIRS = 30
const senders = Array.from({ length: PAIRS }, (_, n) => `sender-${n}`)
const recipients = Array.from({ length: PAIRS }, (_, n) => `recipient-${n}`)

/** Sends a message in each pair concurrently. Returns the text of each sent message, or its error code. */
function sendConcurrently(server: RunningServer, textOf: (n: number) => string): Promise<string[]> {
  return Promise.all(
    senders.map(async (sender, n) => {
      try {
        const to = recipients[n] ?? ''
        const sent = await server.client
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

describe.each(dialects)('concurrently sent messages on %s', (using) => {
  test('create their conversations, and retries return the same messages', async () => {
    await using server = await startServer(using, { users: [...senders, ...recipients] })
    const hello = senders.map((sender) => `hello of ${sender}`)
    expect(await sendConcurrently(server, (n) => hello[n] ?? '')).toEqual(hello)
    expect(await sendConcurrently(server, (n) => hello[n] ?? '')).toEqual(hello)
    for (const recipient of recipients) {
      const { items } = await server.client.as(recipient).conversations.list()
      expect(items).toMatchObject([{ lastSeq: 1, unreadCount: 1 }])
    }
  })

  test('are rejected individually', async () => {
    await using server = await startServer(using, { users: [...senders, ...recipients] })
    await server.client
      .as('sender-1')
      .messages.send({ to: 'recipient-1', text: 'before', clientMessageId: 'one' })
    await server.client.as('recipient-2').blocks.add({ user: 'sender-2' })
    const results = await sendConcurrently(server, (n) => `text ${n}`)
    expect(results[1]).toBe('IDEMPOTENCY_CONFLICT')
    expect(results[2]).toBe('FORBIDDEN')
    expect(results.filter((text, n) => text === `text ${n}`)).toHaveLength(PAIRS - 2)
  })

  test('fail individually if the database rejects one', async () => {
    await using server = await startServer(using, { users: [...senders, ...recipients] })
    await rejectInDatabase(server, using, 'text 7')
    const results = await sendConcurrently(server, (n) => `text ${n}`)
    expect(results[7]).toBe('INTERNAL')
    expect(results.filter((text, n) => text === `text ${n}`)).toHaveLength(PAIRS - 1)
    const { items } = await server.client.messages.list({ between: ['sender-7', 'recipient-7'] })
    expect(items).toEqual([])
  })

  test('are UNAVAILABLE and not written if they waited too long', async () => {
    let elapsed = 0
    // Each reading of the clock advances it by more than a message may wait.
    const now = () => {
      elapsed += 60_000
      return new Date(Date.now() + elapsed)
    }
    await using server = await startServer(using, { users: ['alice', 'bob'], overrides: { now } })
    await expect(server.call('alice', 'POST', '/v1/messages', { to: 'bob', text: 'hello' })).rejects.toThrow(
      /UNAVAILABLE|503/,
    )
    const { items } = await server.client.messages.list()
    expect(items).toEqual([])
  })
})

test('a message that waits for a conversation lock on PostgreSQL does not delay others', async () => {
  await using server = await startServer('postgres', { users: [...senders, ...recipients] })
  const [a, b] = await Promise.all(
    ['sender-3', 'recipient-3'].map(async (user) => (await server.client.users.get({ user })).id),
  )
  const key = directKey(a ?? '', b ?? '')
  await withPostgres(server.databaseUrl, async (client) => {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [key])
    const others = senders.filter((sender) => sender !== 'sender-3')
    let isSent = false
    const waiting = server.send('sender-3', 'recipient-3', 'late').then((sent) => {
      isSent = true
      return sent
    })
    await Promise.all(
      others.map((sender) => server.send(sender, sender.replace('sender', 'recipient'), 'in time')),
    )
    expect(isSent).toBe(false)
    await client.query('commit')
    expect((await waiting).text).toBe('late')
  })
})

async function rejectInDatabase(
  server: RunningServer,
  using: 'sqlite' | 'postgres',
  text: string,
): Promise<void> {
  const { db } = server.app
  if (using === 'sqlite') {
    await sql
      .raw(
        `create trigger reject_message before insert on messages when new.text = '${text}'
         begin select raise(abort, 'rejected'); end`,
      )
      .execute(db)
    return
  }
  await sql
    .raw(
      `create function reject_message() returns trigger language plpgsql as
       $$ begin raise exception 'rejected'; end $$;
       create trigger reject_message before insert on messages for each row when (new.text = '${text}')
       execute function reject_message()`,
    )
    .execute(db)
}
