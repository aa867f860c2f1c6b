import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { WebhookEvent } from '@sotto/contract'
import { listen } from './network.ts'

/** A request received. */
export interface ReceivedWebhook {
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** As JSON: times are strings. */
  event: WebhookEvent
  /** `webhook-id` */
  id: string
}

type Answer = (response: ServerResponse, request: ReceivedWebhook) => void

/** An HTTP server that receives webhook deliveries. */
export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly received: readonly ReceivedWebhook[]
  /** How it responds from now on. Default: 204. */
  answer: Answer
  /** The types of the received events, in order of arrival. */
  types(): string[]
}

export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(code, headers).end()
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const webhook: ReceivedWebhook = {
        path: request.url ?? '',
        headers: request.headers,
        body,
        event: JSON.parse(body) as WebhookEvent,
        id: String(request.headers['webhook-id']),
      }
      received.push(webhook)
      receiver.answer(response, webhook)
    })
  })
  const listening = await listen(server)
  const receiver: WebhookReceiver = {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    received,
    answer: status(204),
    types: () => received.map(({ event }) => event.type),
  }
  return receiver
}
