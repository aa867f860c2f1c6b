import type { Procedure } from '@sotto/contract'
import { type Operation, restRequest } from '@sotto/testing/internal'
import superjson from 'superjson'
import type { Headers } from './server.ts'

export interface Call {
  operation: Operation
  input: object
}

/**
 * Makes calls with the same credentials. Returns `ok` or the error code of each, or undefined if the transport cannot
 * make the call.
 */
export type Transport = (
  url: string,
  calls: readonly Call[],
  headers: Headers,
) => Promise<(string | undefined)[]>

/** The server limits the calls in a batch, and those of a caller in progress. */
const MAX_CALLS_AT_ONCE = 10

interface Failure {
  error?: { json: { data: { code: string } } }
}

async function codeOf(response: Response): Promise<string> {
  const text = await response.text()
  if (response.ok) return 'ok'
  return (JSON.parse(text) as { code?: string }).code ?? text
}

/** Opens a stream and closes it after the first event. */
async function openStream(url: string, headers: Headers): Promise<string> {
  const closing = new AbortController()
  const response = await fetch(url, { headers, signal: closing.signal })
  if (!response.ok) return codeOf(response)
  const { value } = (await response.body?.getReader().read()) ?? {}
  closing.abort()
  const [, errorJson] = /event: serialized-error\ndata: (.*)/.exec(new TextDecoder().decode(value)) ?? []
  return errorJson === undefined
    ? 'ok'
    : ((JSON.parse(errorJson) as Failure['error'])?.json.data.code ?? errorJson)
}

const rest: Transport = async (url, calls, headers) => {
  const codes: string[] = []
  for (const { operation, input } of calls) {
    const [path, request] = restRequest(operation, input, headers)
    codes.push(
      operation.entry.kind === 'subscription'
        ? await openStream(url + path, headers)
        : await codeOf(await fetch(url + path, request)),
    )
  }
  return codes
}

/** The response to one REST call, without the parts that differ between calls. */
export async function bareAnswer(
  url: string,
  operation: Operation,
  input: object,
  headers: Headers,
): Promise<string> {
  const [path, request] = restRequest(operation, input, headers)
  const response = await fetch(url + path, request)
  const shown = [...response.headers].filter(([name]) => !['x-request-id', 'date'].includes(name))
  const body = (await response.text()).replace(/"requestId":"[^"]*"/, '')
  return `${response.status} ${JSON.stringify(shown)} ${body}`
}

const rpc: Transport = async (url, calls, headers) => {
  const codes: string[] = []
  for (const { operation, input } of calls) {
    const { name, entry } = operation
    const json = JSON.stringify(superjson.serialize(input))
    const get = `${url}/trpc/${name}?input=${encodeURIComponent(json)}`
    if (entry.kind === 'subscription') codes.push(await openStream(get, headers))
    else
      codes.push(...(await codesOf(await fetch(...post(`${url}/trpc/${name}`, get, entry, json, headers)))))
  }
  return codes
}

/** Makes as many calls as possible with each request. A batch cannot contain subscriptions. */
const batch: Transport = async (url, calls, headers) => {
  const codes = new Map<Call, string | undefined>()
  for (const kind of ['query', 'mutation'] as const) {
    const suitable = calls.filter(({ operation }) => operation.entry.kind === kind)
    for (const chunk of chunksOf(suitable)) {
      const names = chunk.map(({ operation }) => operation.name).join(',')
      const inputs = chunk.map(({ input }, index) => [index, superjson.serialize(input)])
      const json = JSON.stringify(Object.fromEntries(inputs))
      const path = `${url}/trpc/${names}?batch=1`
      const get = `${path}&input=${encodeURIComponent(json)}`
      const answers = await codesOf(await fetch(...post(path, get, { kind }, json, headers)))
      for (const [index, call] of chunk.entries()) codes.set(call, answers[index] ?? 'no answer')
    }
  }
  return calls.map((call) => codes.get(call))
}

function chunksOf(calls: readonly Call[]): Call[][] {
  const count = Math.ceil(calls.length / MAX_CALLS_AT_ONCE)
  return Array.from({ length: count }, (_, n) =>
    calls.slice(n * MAX_CALLS_AT_ONCE, (n + 1) * MAX_CALLS_AT_ONCE),
  )
}

function post(
  url: string,
  get: string,
  entry: Pick<Procedure, 'kind'>,
  body: string,
  headers: Headers,
): [string, RequestInit] {
  if (entry.kind === 'query') return [get, { headers }]
  return [url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }]
}

async function codesOf(response: Response): Promise<string[]> {
  const answers = [(await response.json()) as Failure | Failure[]].flat()
  return answers.map(({ error }) => error?.json.data.code ?? 'ok')
}

/** Calls over one connection, which is authenticated when it opens. */
class Connection implements Disposable {
  readonly #socket: WebSocket
  readonly #codes = new Map<number, string>()
  #sent = 0
  /** The error of the connection, which has no call id and counts for all calls. */
  failure: string | undefined
  #message = Promise.withResolvers<void>()

  constructor(url: string, { authorization, 'act-as': actAs, 'expected-user': expectedUser }: Headers) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/trpc?connectionParams=1`)
    this.#socket.addEventListener('open', () => {
      const data = { authorization, actAs, expectedUser }
      this.#socket.send(JSON.stringify({ method: 'connectionParams', data }))
      this.#message.resolve()
    })
    this.#socket.addEventListener('close', () => {
      this.failure ??= 'the connection was closed'
      this.#message.resolve()
    })
    this.#socket.addEventListener('message', ({ data }) => {
      if (data === 'PING') this.#socket.send('PONG')
      else this.#read(JSON.parse(String(data)) as Failure & { id: number | null })
    })
  }

  #read({ id, error }: Failure & { id: number | null }): void {
    if (id === null) this.failure ??= error?.json.data.code ?? 'no code'
    else if (!this.#codes.has(id)) this.#codes.set(id, error?.json.data.code ?? 'ok')
    this.#message.resolve()
  }

  async #nextMessage(): Promise<void> {
    await this.#message.promise
    this.#message = Promise.withResolvers<void>()
  }

  async makeCalls(calls: readonly Call[]): Promise<string[]> {
    while (this.#socket.readyState === WebSocket.CONNECTING) await this.#nextMessage()
    const first = this.#sent
    for (const { operation, input } of calls) {
      const params = { path: operation.name, input: superjson.serialize(input) }
      this.#send({ id: this.#sent++, method: operation.entry.kind, params })
    }
    while (this.failure === undefined && calls.some((_, index) => !this.#codes.has(first + index))) {
      await this.#nextMessage()
    }
    return calls.map(({ operation }, index) => {
      const id = first + index
      if (operation.entry.kind === 'subscription') this.#send({ id, method: 'subscription.stop' })
      return this.#codes.get(id) ?? this.failure ?? 'no response'
    })
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }
}

export interface Transports extends Disposable {
  readonly all: Readonly<Record<'REST' | 'RPC' | 'batch' | 'WebSocket', Transport>>
}

/** The WebSocket transport uses one connection for all calls with the same credentials. */
export function createTransports(): Transports {
  const connections = new Map<string, Connection>()

  const webSocket: Transport = async (url, calls, headers) => {
    const codes: string[] = []
    const key = JSON.stringify(headers)
    for (const chunk of chunksOf(calls)) {
      let connection = connections.get(key)
      if (!connection || connection.failure !== undefined) {
        connection = new Connection(url, headers)
        connections.set(key, connection)
      }
      codes.push(...(await connection.makeCalls(chunk)))
    }
    return codes
  }

  return {
    all: { REST: rest, RPC: rpc, batch, WebSocket: webSocket },
    [Symbol.dispose]() {
      for (const connection of connections.values()) connection[Symbol.dispose]()
    },
  }
}
