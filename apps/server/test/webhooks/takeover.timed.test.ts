import { startServer, startWebhookReceiver } from '@sotto/testing/internal'
import { expect, test } from 'vitest'

const settings = { webhookAllowedHosts: ['127.0.0.1'], secret: 'a secret of at least thirty-two characters' }

test('webhooks are repeated by another server if one stops before it got a response', async () => {
  await using receiver = await startWebhookReceiver()
  await using server = await startServer('postgres', { settings })
  const { id: webhookId } = await server.client.webhooks.create({ url: receiver.url })
  // The next server can call before the first one has closed.
  receiver.answer = (response) => void (receiver.received.length > 1 && response.writeHead(200).end())
  const { id } = await server.client.webhooks.test({ webhookId })
  await expect.poll(() => receiver.received.length).toBe(1)
  const second = await server.another()
  const startedAt = performance.now()
  await server.close()
  expect(performance.now() - startedAt).toBeLessThan(8_000)
  await expect.poll(() => receiver.received.map((request) => request.id)).toEqual([id, id])
  const found = async () => (await second.client.webhooks.deliveries({ webhookId })).items
  await expect.poll(found).toMatchObject([{ id, state: 'delivered', attempts: 1 }])
})
