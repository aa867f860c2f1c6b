import type { TestServer } from '../src/index.ts'

export interface RestAnswer {
  status: number
  headers: Headers
  /** Parsed if it is JSON. */
  body: unknown
}

interface RestRequest {
  /** The user that the service key acts for. */
  as?: string
  /** Used instead of the service key. Null for no credentials. */
  authorization?: string | null
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent unchanged. */
  body?: string | Uint8Array<ArrayBuffer>
}

/** Sends a plain HTTP request, by default with the service key: `rest(server, 'GET /v1/users')`. */
export async function rest(
  server: Pick<TestServer, 'serviceKey'> & { fetch(path: string, init: RequestInit): Promise<Response> },
  line: `${string} /${string}`,
  { as, authorization = `Bearer ${server.serviceKey}`, headers, json, body }: RestRequest = {},
): Promise<RestAnswer> {
  const [method = '', ...path] = line.split(' ')
  const content = json === undefined ? body : JSON.stringify(json)
  const response = await server.fetch(path.join(' '), {
    method,
    headers: {
      ...(authorization !== null && { authorization }),
      ...(as !== undefined && { 'act-as': encodeURIComponent(as) }),
      ...(content !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(content !== undefined && { body: content }),
  })
  const text = await response.text()
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text ? JSON.parse(text) : text,
  }
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
