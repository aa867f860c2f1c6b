import type { InputIssue } from '@sotto/contract'
import superjson, { type SuperJSONResult } from 'superjson'
import type { TestServer } from '../src/index.ts'
import type { Operation } from './operations.ts'

type CallInput = Readonly<Record<string, unknown>>
export type RequestHeaders = Readonly<Record<string, string>>

/** A response, in the form that both transports must agree on. */
export interface Answer {
  status: number
  /** As JSON. Undefined for a failure, or if there is no output. */
  output: unknown
  code: string | undefined
  issues: readonly InputIssue[]
}

/** A response with its raw data. */
export interface WireAnswer {
  answer: Answer
  /** Headers and body, for tests that search for data that must not be in them. */
  wire: string
}

export type Call = (
  server: TestServer,
  operation: Operation,
  input: CallInput,
  headers: RequestHeaders,
) => Promise<WireAnswer>

/** Calls over plain HTTP, with path, query and body according to the contract. */
export const callRest: Call = async (server, operation, input, headers) => {
  const response = await server.fetch(...restRequest(operation, input, headers))
  const body = await response.text()
  const json: unknown = body === '' ? undefined : JSON.parse(body)
  return { answer: toAnswer(response, json, problemOf(json)), wire: wireOf(response, body) }
}

/** The arguments of the `fetch` that calls an operation over REST. */
export function restRequest(
  { entry, pathFields, rest }: Operation,
  input: object,
  headers: RequestHeaders,
): [path: string, init: RequestInit] {
  const { method } = entry.http
  const fields: CallInput = { ...input }
  const path = entry.http.path.replaceAll(/\{(\w+)\}/g, (_, field: string) =>
    encodeURIComponent(String(fields[field])),
  )
  const others = Object.entries(fields).filter(
    ([name, value]) => !pathFields.includes(name) && value !== undefined,
  )
  if (rest === 'query') {
    return [
      others.length > 0 ? `${path}?${new URLSearchParams(others.map(textOf))}` : path,
      { method, headers },
    ]
  }
  return [
    path,
    {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(Object.fromEntries(others)),
    },
  ]
}

/** Calls over tRPC without the SDK. */
export const callRpc: Call = async (server, { name, entry }, input, headers) => {
  const payload = JSON.stringify({ json: input })
  const response =
    entry.kind !== 'mutation'
      ? await server.fetch(`/trpc/${name}?input=${encodeURIComponent(payload)}`, { headers })
      : await server.fetch(`/trpc/${name}`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: payload,
        })
  const body = await response.text()
  if (entry.kind === 'subscription' && response.ok) return rejectedStream(response, body)
  const json = JSON.parse(body) as { result?: { data: SuperJSONResult }; error?: { json: { data: Problem } } }
  const output = json.result && superjson.deserialize(json.result.data)
  return {
    answer: toAnswer(response, output, json.error?.json.data),
    wire: wireOf(response, body),
  }
}

/** tRPC has started streaming by the time the procedure rejects the call, so the error is the only event. */
function rejectedStream(response: Response, body: string): WireAnswer {
  const [, data = ''] = /^event: serialized-error\ndata: (.*)$/m.exec(body) ?? []
  const error = JSON.parse(data) as { json: { data: Problem & { httpStatus: number } } }
  const { httpStatus: status, code, issues = [] } = error.json.data
  return { answer: { status, output: undefined, code, issues }, wire: wireOf(response, body) }
}

interface Problem {
  code: string
  issues?: readonly InputIssue[]
}

function problemOf(json: unknown): Problem | undefined {
  return typeof json === 'object' && json !== null && 'code' in json ? (json as Problem) : undefined
}

function toAnswer(response: Response, output: unknown, problem: Problem | undefined): Answer {
  const failed = response.status >= 400
  return {
    status: response.status,
    output: failed ? undefined : jsonOf(output),
    code: failed ? (problem?.code ?? 'no code') : undefined,
    issues: problem?.issues ?? [],
  }
}

function textOf([name, value]: [string, unknown]): [string, string] {
  return [name, Array.isArray(value) ? value.join(',') : String(value)]
}

function wireOf(response: Response, body: string): string {
  return `${[...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${body}`
}

/** The value as it is transmitted. */
export function jsonOf(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
