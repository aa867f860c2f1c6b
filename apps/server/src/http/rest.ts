import { type InputIssue, type Procedure, SottoError } from '@sotto/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import { type CallOperation, isStream, type StreamOperation } from '../app/operations.ts'
import { admit } from '../auth/gate.ts'
import { refusedInput, requireFewFields, shownPath } from '../lib/errors.ts'
import { withWrittenDates } from '../lib/json-dates.ts'
import type { CallsUnderWay } from './calls-under-way.ts'
import { sendEventStream } from './event-stream.ts'
import { type Fields, type ReadPage, sendJsonLines, wantsLines } from './json-lines.ts'
import { type Route, routes } from './routes.ts'

interface Options {
  createContext: (
    request: FastifyRequest,
    options: { reply: FastifyReply; transport: 'rest' | 'stream' },
  ) => Promise<Context>
  calls: CallsUnderWay
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Serves every operation as plain HTTP, with the same use cases as tRPC. */
export function registerRest(app: FastifyInstance, options: Options): void {
  for (const route of routes) {
    const { operation } = route
    if (isStream(operation)) registerStream(app, route, operation, options)
    else registerCall(app, route, operation, options)
  }
}

function registerStream(
  app: FastifyInstance,
  route: Route,
  operation: StreamOperation,
  { createContext }: Options,
): void {
  const { entry, name } = operation
  app.route({
    method: entry.http.method,
    url: urlOf(entry),
    // A HEAD would hold the stream open for nothing.
    exposeHeadRoute: false,
    config: { call: { operation: name, transport: 'stream' } },
    async handler(request, reply) {
      const ctx = await admit(await createContext(request, { reply, transport: 'stream' }), entry)
      await sendEventStream(operation, ctx, readInput(route, request), request, reply)
    },
  })
}

function registerCall(
  app: FastifyInstance,
  route: Route,
  { entry, name, run }: CallOperation,
  { createContext, calls }: Options,
): void {
  app.route({
    method: entry.http.method,
    url: urlOf(entry),
    config: { call: { operation: name, transport: 'rest' } },
    async handler(request, reply) {
      const context: Context = {
        ...(await createContext(request, { reply, transport: 'rest' })),
        gone: () => signalOf(reply),
      }
      const underWay = calls.begin(context.caller, context, reply.raw)
      const ctx = await admit(context, entry)
      const input = entry.input.safeParse(readInput(route, request))
      if (!input.success) throw refusedInput(input.error)
      const call = async (fields: unknown) => entry.output.parse(await run(ctx, fields))
      reply.header('cache-control', 'no-store')
      if (entry.http.lines && wantsLines(request)) {
        // Every entry with lines is a list, as a test of the contract checks.
        return sendJsonLines(reply, input.data as Fields, { readPage: call as ReadPage, underWay })
      }
      const output = await call(input.data)
      if (entry.http.status === 204) return reply.code(204).send()
      // As bytes: Node writes a long string much more slowly.
      const body = Buffer.from(JSON.stringify(withWrittenDates(output)))
      // A mutation's answer is short, and the change has been made.
      if (entry.kind === 'query') underWay.hold(body.length)
      const { status, repeatedStatus = status } = entry.http
      return reply
        .code(ctx.outcome.repeated ? repeatedStatus : status)
        .header('content-type', JSON_TYPE)
        .send(body)
    },
  })
}

function urlOf({ http }: Procedure): string {
  return http.path.replaceAll(/\{(\w+)\}/g, ':$1')
}

function signalOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

/** The fields of path, query and body as one input. Nothing is dropped: what is not a field is refused. */
function readInput(route: Route, request: FastifyRequest): Record<string, unknown> {
  const issues: InputIssue[] = []
  const input: Record<string, unknown> = {}

  requireWellFormedQuery(request.url)
  for (const [name, value] of Object.entries(request.query as Record<string, string | string[]>)) {
    if (route.hasBody || route.pathFields.includes(name)) {
      issues.push({ path: name, message: 'is not a field of the query here' })
    } else if (Array.isArray(value)) {
      issues.push({ path: name, message: 'is given more than once' })
    } else {
      setField(input, name, decode(route, name, value))
    }
  }
  for (const [name, value] of Object.entries(readBody(route, request))) {
    if (route.pathFields.includes(name)) issues.push({ path: name, message: 'belongs in the path alone' })
    else setField(input, name, value)
  }
  for (const [name, value] of Object.entries(request.params as Record<string, string>)) {
    setField(input, name, decode(route, name, value))
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

function decode({ decoders }: Route, name: string, text: string): unknown {
  const decoder = decoders.get(name)
  return decoder ? decoder(text) : text
}

/** Also a field called `__proto__`, which is then refused by its name like any other that is unknown. */
function setField(input: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') input[name] = value
  else Object.defineProperty(input, name, { value, enumerable: true })
}

function readBody(route: Route, request: FastifyRequest): Record<string, unknown> {
  const body: unknown = request.body ?? {}
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new SottoError('INVALID_INPUT', {
      detail: 'the body takes a JSON object',
      issues: [{ path: '', message: 'takes a JSON object' }],
    })
  }
  const fields = body as Record<string, unknown>
  requireFewFields(fields)
  if (!route.hasBody && Object.keys(fields).length > 0) {
    const path = shownPath(Object.keys(fields)[0] ?? '')
    const message = 'is not taken: this route has no body'
    throw new SottoError('INVALID_INPUT', { detail: `${path}: ${message}`, issues: [{ path, message }] })
  }
  return fields
}
