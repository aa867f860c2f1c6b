import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { listen } from '@sotto/testing/internal'

/** A request received by the proxy. */
export interface ProxiedRequest {
  /** The procedure, such as `messages.send`. */
  operation: string
  method: string
  headers: IncomingMessage['headers']
  body: string
}

/**
 * What the proxy does with a request: forward it, forward it and drop the response, close the connection, never
 * respond, or send this response.
 */
export type Action =
  | 'pass'
  | 'lose the response'
  | 'break'
  | 'hang'
  | { status: number; headers?: Record<string, string>; body?: string }

export interface RunningProxy extends AsyncDisposable {
  url: string
  /** All requests so far, in order. */
  requests: ProxiedRequest[]
}

/** Starts a proxy in front of `target` that chooses an action for each request. */
export async function startProxy(
  target: string,
  action: (received: ProxiedRequest, index: number) => Action | Promise<Action>,
): Promise<RunningProxy> {
  const requests: ProxiedRequest[] = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', target)
    const received: ProxiedRequest = {
      operation: pathname.replace('/trpc/', ''),
      method: request.method ?? '',
      headers: request.headers,
      body: await bodyOf(request),
    }
    const decided = action(received, requests.push(received) - 1)
    await perform(await decided, { request, response, received, target })
  })
  const listening = await listen(server)
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    requests,
  }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  received: ProxiedRequest
  target: string
}

async function perform(action: Action, { request, response, received, target }: Exchange): Promise<void> {
  if (action === 'hang') return
  if (action === 'break') {
    request.socket.destroy()
    return
  }
  if (typeof action === 'object') {
    response.writeHead(action.status, action.headers)
    response.end(action.body)
    return
  }
  const { host: _, connection: __, ...headers } = received.headers
  const upstream = await fetch(new URL(request.url ?? '', target), {
    method: received.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(received.method !== 'GET' && { body: received.body }),
  })
  const body = await upstream.text()
  if (action === 'lose the response') {
    request.socket.destroy()
    return
  }
  response.writeHead(upstream.status, {
    'content-type': upstream.headers.get('content-type') ?? 'text/plain',
  })
  response.end(body)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}
