import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { SERVICE_KEY } from './processes.ts'

const agent = new Agent({ connections: 32, pipelining: 1 })

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A call that failed permanently. */
export class RejectedCall extends Error {
  readonly status: number

  constructor(path: string, status: number, body: string) {
    super(`${path}: ${status} ${body}`)
    this.status = status
  }
}

async function callOnce(url: string, as: string | undefined, method: Method, body?: object) {
  const response = await request(url, {
    dispatcher: agent,
    method,
    headers: {
      authorization: `Bearer ${SERVICE_KEY}`,
      ...(as !== undefined && { 'act-as': as }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.statusCode, text: await response.body.text() }
}

interface CallOptions {
  method?: Method
  /** Called for each failed attempt. */
  onFailure?: ((reason: string) => void) | undefined
}

/**
 * Retries a call until it is acknowledged, as a client with an outbox does, alternating between servers.
 *
 * @throws {RejectedCall}
 */
export async function callUntilDone(
  urls: readonly string[],
  path: string,
  as: string | undefined,
  body?: object,
  { method = body ? 'POST' : 'GET', onFailure }: CallOptions = {},
): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    const url = urls[attempt % urls.length] ?? ''
    const response = await callOnce(url + path, as, method, body).catch((error: unknown) => {
      onFailure?.(`${method} ${path.split('?')[0]}: ${error instanceof Error ? error.message : error}`)
    })
    if (response && response.status < 300) return response.text === '' ? undefined : JSON.parse(response.text)
    if (response) onFailure?.(`${method} ${path.split('?')[0]}: ${response.status}`)
    if (response && response.status < 500 && response.status !== 429 && response.status !== 409) {
      throw new RejectedCall(path, response.status, response.text)
    }
    await wait(20 + Math.random() * 50)
  }
}
