import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { listen } from '@sotto/testing/internal'

/** One request that came to the proxy. */
export interface Passage {
  /** `messages.send`, for whatever method. */
  operation: string
  method: string
  headers: IncomingMessage['headers']
  body: string
}

/**
 * What the proxy does with a request: passes it on, passes it on and loses the answer, breaks the connection,
 * never answers, or answers itself.
 */
export type Fate =
  | 'pass'
  | 'lose the answer'
  | 'break'
  | 'hang'
  | { status: number; headers?: Record<string, string>; body?: string }

export interface RunningProxy extends AsyncDisposable {
  url: string
  /** Every request so far, in the order in which they came. */
  passages: Passage[]
}

/** A proxy before the server at `target`, which treats its requests as it is told. */
export async function startProxy(
  target: string,
  fate: (passage: Passage, index: number) => Fate | Promise<Fate>,
): Promise<RunningProxy> {
  const passages: Passage[] = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', target)
    const passage: Passage = {
      operation: pathname.replace('/trpc/', ''),
      method: request.method ?? '',
      headers: request.headers,
      body: await bodyOf(request),
    }
    const decided = fate(passage, passages.push(passage) - 1)
    await meet(await decided, { request, response, passage, target })
  })
  const listening = await listen(server)
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    passages,
  }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  passage: Passage
  target: string
}

async function meet(fate: Fate, { request, response, passage, target }: Exchange): Promise<void> {
  if (fate === 'hang') return
  if (fate === 'break') {
    request.socket.destroy()
    return
  }
  if (typeof fate === 'object') {
    response.writeHead(fate.status, fate.headers)
    response.end(fate.body)
    return
  }
  const { host: _, connection: __, ...headers } = passage.headers
  const answer = await fetch(new URL(request.url ?? '', target), {
    method: passage.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(passage.method !== 'GET' && { body: passage.body }),
  })
  const body = await answer.text()
  if (fate === 'lose the answer') {
    request.socket.destroy()
    return
  }
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
  response.end(body)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}
