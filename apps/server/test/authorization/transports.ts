import type { Procedure } from '@sotto/contract'
import { type Operation, restRequest } from '@sotto/testing/internal'
import superjson from 'superjson'
import type { Headers } from './subjects.ts'

/** Calls once for each input, and says how each went: `ok`, or the code of the error. */
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

/** Opens a stream, and leaves it as soon as it is there. */
async function openStream(url: string, headers: Headers): Promise<string> {
  const leave = new AbortController()
  const response = await fetch(url, { headers, signal: leave.signal })
  if (!response.ok) return codeOf(response)
  const { value } = (await response.body?.getReader().read()) ?? {}
  leave.abort()
  const [, refusal] = /event: serialized-error\ndata: (.*)/.exec(new TextDecoder().decode(value)) ?? []
  return refusal === undefined ? 'ok' : ((JSON.parse(refusal) as Failure['error'])?.json.data.code ?? refusal)
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

/** The answer of one REST call, without what differs from call to call. */
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

/** All of them in one request. */
const batch: Transport = async (url, { name, entry }, inputs, headers) => {
  // A stream is nothing that a batch can hold.
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

/** Over one connection, with the credentials of its beginning. */
const webSocket: Transport = async (url, { name, entry }, inputs, headers) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc?connectionParams=1`)
  const codes = new Map<number, string>()
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  socket.addEventListener('close', () => reject(new Error('the connection was closed')))
  socket.addEventListener('message', ({ data }) => {
    if (data === 'PING') return socket.send('PONG')
    const { id, error } = JSON.parse(String(data)) as Failure & { id: number | null }
    // What a connection is refused for is said to none of its calls in particular.
    for (const call of id === null ? inputs.keys() : [id]) {
      if (!codes.has(call)) codes.set(call, error?.json.data.code ?? 'ok')
    }
    if (codes.size === inputs.length) resolve()
  })
  socket.addEventListener('open', () => {
    const data = { authorization: headers.authorization ?? '', actAs: headers['act-as'] }
    socket.send(JSON.stringify({ method: 'connectionParams', data: headers.authorization ? data : {} }))
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
