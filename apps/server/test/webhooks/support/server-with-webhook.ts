import type { Webhook } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import { startWebhookReceiver, type WebhookReceiver } from '@sotto/testing/internal'

export interface ServerWithWebhook extends AsyncDisposable {
  server: TestServer
  receiver: WebhookReceiver
  webhook: Webhook & { secret: string }
  webhookId: string
  send(text: string): Promise<{ id: string; conversationId: string }>
  /** Advances the clock and makes the server look for due deliveries. */
  advance(milliseconds: number): Promise<void>
  deliveries(): Promise<Awaited<ReturnType<TestServer['client']['webhooks']['deliveries']>>['items']>
}

type NewWebhook = Parameters<TestServer['client']['webhooks']['create']>[0]

/** A server with alice, bob and a webhook with a local receiver. */
export async function startServerWithWebhook(
  using: 'sqlite' | 'postgres',
  { events }: Partial<NewWebhook> = {},
): Promise<ServerWithWebhook> {
  const stack = new AsyncDisposableStack()
  const receiver = stack.use(await startWebhookReceiver())
  const server = stack.use(
    await createTestServer({
      using,
      users: ['alice', 'bob'],
      settings: { webhookAllowedHosts: ['127.0.0.1'] },
    }),
  )
  const webhook = await server.client.webhooks.create({ url: receiver.url, ...(events && { events }) })
  const { id: webhookId } = webhook
  return {
    server,
    receiver,
    webhook,
    webhookId,
    send: (text) => server.as('alice').messages.send({ to: 'bob', text }),
    async advance(milliseconds) {
      server.clock.advance(milliseconds)
      // After a change to a webhook, the server looks for due deliveries.
      await server.client.webhooks.update({ webhookId })
    },
    deliveries: async () => (await server.client.webhooks.deliveries({ webhookId })).items,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
