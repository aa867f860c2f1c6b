import type { Procedure } from '@sotto/contract'
import { type Operation, restRequest } from '@sotto/testing/internal'
import superjson from 'superjson'
import type { Headers } from './server.ts'

/** Makes one call per input. Returns `ok` or the error code of each. */
type Transport = (
  url: string,
  operation: Operation,
  inputs: readonly object[],
  headers: Headers,
) => Promise<string[]>

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

const rest: Transport = async (url, operation, inputs, headers) => {
  const codes: string[] = []
  for (const input of inputs) {
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

const rpc: Transport = async (url, { name, entry }, inputs, headers) => {
  const codes: string[] = []
  for (const input of inputs) {
    const json = JSON.stringify(superjson.serialize(input))
    const get = `${url}/trpc/${name}?input=${encodeURIComponent(json)}`
    if (entry.kind === 'subscription') codes.push(await openStream(get, headers))
    else
      codes.push(...(await codesOf(await fetch(...post(`${url}/trpc/${name}`, get, entry, json, headers)))))
  }
  return codes
}

/** Makes all calls in one request. */
const batch: Transport = async (url, { name, entry }, inputs, headers) => {
  // A batch cannot contain subscriptions.
  if (entry.kind === 'subscription') return []
  const names = inputs.map(() => name).join(',')
  const json = JSON.stringify(
    Object.fromEntries(inputs.map((input, index) => [index, superjson.serialize(input)])),
  )
  const path = `${url}/trpc/${names}?batch=1`
  return codesOf(
    await fetch(...post(path, `${path}&input=${encodeURIComponent(json)}`, entry, json, headers)),
  )
}

function post(
  url: string,
  get: string,
  entry: Procedure,
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

/** Makes all calls over one connection, authenticated when it opens. */
const webSocket: Transport = async (url, { name, entry }, inputs, headers) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc?connectionParams=1`)
  const codes = new Map<number, string>()
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  socket.addEventListener('close', () => reject(new Error('the connection was closed')))
  socket.addEventListener('message', ({ data }) => {
    if (data === 'PING') return socket.send('PONG')
    const { id, error } = JSON.parse(String(data)) as Failure & { id: number | null }
    // An error of the connection has no call id and counts for all calls.
    for (const call of id === null ? inputs.keys() : [id]) {
      if (!codes.has(call)) codes.set(call, error?.json.data.code ?? 'ok')
    }
    if (codes.size === inputs.length) resolve()
  })
  socket.addEventListener('open', () => {
    const { authorization, 'act-as': actAs, 'expected-user': expectedUser } = headers
    socket.send(JSON.stringify({ method: 'connectionParams', data: { authorization, actAs, expectedUser } }))
    for (const [id, input] of inputs.entries()) {
      const params = { path: name, input: superjson.serialize(input) }
      socket.send(JSON.stringify({ id, method: entry.kind, params }))
    }
  })
  try {
    await done
  } finally {
    socket.close()
  }
  return inputs.map((_, id) => codes.get(id) ?? 'no answer')
}

export const transports: Readonly<Record<string, Transport>> = {
  REST: rest,
  RPC: rpc,
  batch,
  WebSocket: webSocket,
}
