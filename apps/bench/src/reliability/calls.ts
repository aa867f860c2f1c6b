import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { SERVICE_KEY } from './processes.ts'

const agent = new Agent({ connections: 32, pipelining: 1 })

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A call that was answered with an error that will not pass. */
export class RefusedCall extends Error {
  readonly status: number

  constructor(path: string, status: number, body: string) {
    super(`${path}: ${status} ${body}`)
    this.status = status
  }
}

async function callOnce(url: string, as: string | undefined, method: Method, body?: object) {
  const answer = await request(url, {
    dispatcher: agent,
    method,
    headers: {
      authorization: `Bearer ${SERVICE_KEY}`,
      ...(as !== undefined && { 'act-as': as }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.statusCode, text: await answer.body.text() }
}

interface CallOptions {
  method?: Method
  /** Told of each try that did not work. */
  onFailure?: ((reason: string) => void) | undefined
}

/**
 * Tries until it is acknowledged, as a client with an outbox does, at one server after the other.
 *
 * @throws {RefusedCall}
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
    const answer = await callOnce(url + path, as, method, body).catch((error: unknown) => {
      onFailure?.(`${method} ${path.split('?')[0]}: ${error instanceof Error ? error.message : error}`)
    })
    if (answer && answer.status < 300) return answer.text === '' ? undefined : JSON.parse(answer.text)
    if (answer) onFailure?.(`${method} ${path.split('?')[0]}: ${answer.status}`)
    if (answer && answer.status < 500 && answer.status !== 429 && answer.status !== 409) {
      throw new RefusedCall(path, answer.status, answer.text)
    }
    await wait(20 + Math.random() * 50)
  }
}
