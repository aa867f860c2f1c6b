import { type InputIssue, SottoError } from '@sotto/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import type { ServerRouter } from '../rpc/router.ts'
import { sendEventStream } from './event-stream.ts'
import { type Operation, operations } from './operations.ts'

interface Options {
  router: ServerRouter
  createContext: (request: FastifyRequest) => Promise<Context>
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Serves every operation of the contract as plain HTTP: the same procedures, with other clothes on. */
export function registerRest(app: FastifyInstance, { router, createContext }: Options): void {
  for (const operation of operations) {
    const { entry, name } = operation
    const url = entry.http.path.replaceAll(/\{(\w+)\}/g, ':$1')
    if (entry.kind === 'subscription') {
      app.route({
        method: entry.http.method,
        url,
        // A HEAD would hold the stream open for nothing.
        exposeHeadRoute: false,
        handler: async (request, reply) =>
          sendEventStream(await createContext(request), readInput(operation, request), request, reply),
      })
      continue
    }
    const { kind } = entry
    const procedure = procedureAt(router, name)
    app.route({
      method: entry.http.method,
      url,
      async handler(request, reply) {
        const ctx = await createContext(request)
        const input = readInput(operation, request)
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        const output: unknown = await procedure({
          ctx,
          path: name,
          type: kind,
          getRawInput: async () => input,
          signal: gone.signal,
          batchIndex: 0,
        })
        reply.header('cache-control', 'no-store')
        if (entry.http.status === 204) return reply.code(204).send()
        const { status, repeatedStatus = status } = entry.http
        return reply
          .code(ctx.outcome.repeated ? repeatedStatus : status)
          .header('content-type', JSON_TYPE)
          .send(JSON.stringify(output))
      },
    })
  }
}

/** A procedure is a function that its callers of tRPC call, with the raw input still to be parsed. */
type CallableProcedure = (call: {
  ctx: Context
  path: string
  type: 'query' | 'mutation'
  getRawInput: () => Promise<unknown>
  signal: AbortSignal
  batchIndex: number
}) => Promise<unknown>

function procedureAt(router: ServerRouter, name: string): CallableProcedure {
  const procedures: Record<string, unknown> = router._def.procedures
  const procedure = procedures[name]
  if (typeof procedure !== 'function') throw new Error(`the router has no ${name}`)
  // The router's record is untyped by path; the drift guard in rpc/router.ts holds it to the contract.
  return procedure as CallableProcedure
}

/** The fields of path, query and body as one input. Nothing is dropped: what is not a field is refused. */
function readInput(operation: Operation, request: FastifyRequest): Record<string, unknown> {
  const issues: InputIssue[] = []
  const input: Record<string, unknown> = {}

  requireWellFormedQuery(request.url)
  for (const [name, value] of Object.entries(request.query as Record<string, string | string[]>)) {
    if (operation.hasBody || operation.pathFields.includes(name)) {
      issues.push({ path: name, message: 'is not a field of the query here' })
    } else if (Array.isArray(value)) {
      issues.push({ path: name, message: 'is given more than once' })
    } else {
      setField(input, name, decode(operation, name, value))
    }
  }
  for (const [name, value] of Object.entries(readBody(operation, request))) {
    if (operation.pathFields.includes(name)) issues.push({ path: name, message: 'belongs in the path alone' })
    else setField(input, name, value)
  }
  for (const [name, value] of Object.entries(request.params as Record<string, string>)) {
    setField(input, name, decode(operation, name, value))
  }

  const [first] = issues
  if (first) throw new SottoError('INVALID_INPUT', { detail: `${first.path}: ${first.message}`, issues })
  return input
}

/** The parser of queries puts U+FFFD, or the text as it is, where one is not percent-encoded UTF-8. */
function requireWellFormedQuery(url: string): void {
  const start = url.indexOf('?')
  if (start === -1) return
  try {
    decodeURIComponent(url.slice(start))
  } catch {
    const message = 'takes percent-encoded UTF-8'
    throw new SottoError('INVALID_INPUT', {
      detail: 'the query is not percent-encoded UTF-8',
      issues: [{ path: '', message }],
    })
  }
}

function decode({ decoders }: Operation, name: string, text: string): unknown {
  const decoder = decoders.get(name)
  return decoder ? decoder(text) : text
}

/** Also for a field called `__proto__`, which is then refused by its name like any other that is unknown. */
function setField(input: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(input, name, { value, enumerable: true, configurable: true, writable: true })
}

function readBody(operation: Operation, request: FastifyRequest): Record<string, unknown> {
  const body: unknown = request.body ?? {}
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new SottoError('INVALID_INPUT', {
      detail: 'the body takes a JSON object',
      issues: [{ path: '', message: 'takes a JSON object' }],
    })
  }
  const fields = body as Record<string, unknown>
  if (!operation.hasBody && Object.keys(fields).length > 0) {
    const [path = ''] = Object.keys(fields)
    const message = 'is not taken: this route has no body'
    throw new SottoError('INVALID_INPUT', { detail: `${path}: ${message}`, issues: [{ path, message }] })
  }
  return fields
}
