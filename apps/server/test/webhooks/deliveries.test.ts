import { createTestServer } from '@sotto/testing'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { dialects } from '../support/dialects.ts'
import { startReceiver } from './support/receiver.ts'

const settings = { webhookAllowedHosts: ['127.0.0.1'] }
const users = ['alice', 'bob']

describe.each(dialects)('webhooks on %s', (using) => {
  test('tell of what happens from now on, as a bare service key sees it, signed', async () => {
    await using server = await createTestServer({ using, users, settings })
    await using receiver = await startReceiver()
    const alice = server.as('alice')
    await alice.messages.send({ to: 'bob', text: 'before' })
    const { secret } = await server.client.webhooks.create({ url: `${receiver.url}/hook` })
    const message = await alice.messages.send({ to: 'bob', text: 'hi', clientMessageId: 'one' })
    await expect.poll(() => receiver.types()).toEqual(['message.created'])

    const [{ headers, body, ...first } = expect.fail()] = receiver.received
    const seen = await server.client.messages.get({ messageId: message.id })
    expect(first.path).toBe('/hook')
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Sotto' })
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({
      type: 'message.created',
      timestamp: message.createdAt.toISOString(),
      data: {
        id: expect.stringMatching(/^\d+$/),
        type: 'message.created',
        conversationId: message.conversationId,
        at: message.createdAt.toISOString(),
        message: JSON.parse(JSON.stringify(seen)),
      },
    })
  })
})
