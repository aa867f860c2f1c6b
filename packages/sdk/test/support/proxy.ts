import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, STATUS_CODES } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SottoClient } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import { listen, type RunningServer } from '@sotto/testing/internal'

/** A request received by the proxy. */
export interface ProxiedRequest {
  /** The procedure, such as `messages.send`. */
  operation: string
  method: string
  headers: IncomingMessage['headers']
  body: string
}

/**
 * What the proxy does with a request: forward it, forward it and send the response once it is complete, forward it and
 * drop the response, close the connection, never respond, or send this response. Requests for a WebSocket are either
 * forwarded or not.
 */
export type Action =
  | 'pass'
  | 'hold the response'
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
    // Fails if the client leaves first.
    await perform(await decided, { request, response, received, target }).catch(() =>
      request.socket.destroy(),
    )
  })
  server.on('upgrade', async (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '', target)
    const received = { operation: pathname, method: 'UPGRADE', headers: request.headers, body: '' }
    const decided = await action(received, requests.push(received) - 1)
    socket.on('error', () => {})
    if (decided === 'pass') tunnel(request, socket, head, target)
    else if (typeof decided === 'object') socket.end(rawResponse(decided))
    else if (decided !== 'hang') socket.destroy()
  })
  const listening = await listen(server)
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    requests,
  }
}

/** What a proxy does with a request. Undefined to forward it. */
type Decide = (request: ProxiedRequest, index: number) => Action | undefined

/** What most tests of a file need of its server, once it is started. */
export function toolsFor(serverOf: () => RunningServer) {
  let pairs = 0

  /** A client with the service key. */
  function keyed(url = serverOf().url): SottoClient {
    return createClient({ url, token: serverOf().serviceKey })
  }

  return {
    keyed,
    /** Creates two users with the password `long enough`, so that each test has its own conversation. */
    async pair(): Promise<readonly [string, string]> {
      pairs += 1
      const names = [`a${pairs}`, `b${pairs}`] as const
      for (const username of names) await keyed().users.create({ username, password: 'long enough' })
      return names
    },
    /** Starts a proxy that applies these actions to the first requests, or as decided, and forwards the rest. */
    async proxyWith(actions: readonly Action[] | Decide): Promise<RunningProxy> {
      const decide =
        typeof actions === 'function' ? actions : (_: ProxiedRequest, index: number) => actions[index]
      return await startProxy(serverOf().url, (request, index) => decide(request, index) ?? 'pass')
    },
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
  const aborting = new AbortController()
  response.once('close', () => aborting.abort())
  const upstream = await fetch(new URL(request.url ?? '', target), {
    signal: aborting.signal,
    method: received.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(received.method !== 'GET' && { body: received.body }),
  })
  const type = { 'content-type': upstream.headers.get('content-type') ?? 'text/plain' }
  if (action === 'pass' && upstream.body) {
    response.writeHead(upstream.status, type).flushHeaders()
    await pipeline(upstream.body, response)
    return
  }
  const body = await upstream.text()
  if (action === 'lose the response') request.socket.destroy()
  else response.writeHead(upstream.status, type).end(body)
}

/** Connects both sockets, beginning with the request for a WebSocket. */
function tunnel(request: IncomingMessage, socket: Duplex, head: Buffer, target: string): void {
  const { hostname, port } = new URL(target)
  const upstream = connect(Number(port), hostname)
  upstream.on('error', () => socket.destroy())
  upstream.once('close', () => socket.destroy())
  socket.once('close', () => upstream.destroy())
  const fields = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  upstream.write(`GET ${request.url} HTTP/1.1\r\n${fields.join('')}\r\n`)
  upstream.write(head)
  socket.pipe(upstream).pipe(socket)
}

function rawResponse({ status, headers = {}, body = '' }: Exclude<Action, string>): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n${fields.join('')}\r\n${body}`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

/** A response of a Sotto server that rejects a request. */
export function problem(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Exclude<Action, string> {
  const fields = { type: `urn:sotto:error:${code}`, status, code, detail: 'rejected', requestId: 'r1' }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify(fields),
  }
}
