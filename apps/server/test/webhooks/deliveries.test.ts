import { createTestServer } from '@sotto/testing'
import { describe, expect, test } from 'vitest'
import { dialects } from '../support/dialects.ts'
import { startReceiver } from './support/receiver.ts'

const settings = { webhookAllowedHosts: ['127.0.0.1'] }
const users = ['alice', 'bob']

describe.each(dialects)('webhooks on %s', (using) => {
  test('tell of what lasts, in order, as a bare service key sees it', async () => {
    await using server = await createTestServer({ using, users, settings })
    await using receiver = await startReceiver()
    await server.as('alice').messages.send({ to: 'bob', text: 'before' })
    await server.client.webhooks.create({ url: `${receiver.url}/hook` })
    const message = await server.as('alice').messages.send({ to: 'bob', text: 'hi', clientMessageId: 'one' })
    await expect.poll(() => receiver.types()).toEqual(['message.created'])
    await server.as('bob').messages.like({ messageId: message.id })
    await expect.poll(() => receiver.types()).toContain('reaction.added')
    expect(receiver.received[0]).toMatchObject({
      path: '/hook',
      headers: { 'content-type': 'application/json', 'user-agent': 'Sotto' },
      event: {
        type: 'message.created',
        timestamp: message.createdAt.toISOString(),
        data: { type: 'message.created', message: { id: message.id, text: 'hi', sender: 'alice' } },
      },
    })
  })
})
