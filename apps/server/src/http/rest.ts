import { type InputIssue, type Procedure, SottoError } from '@sotto/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import { type CallOperation, isStream, type StreamOperation } from '../app/operations.ts'
import { admit } from '../auth/gate.ts'
import { requireFewFields, shownPath, toInputError } from '../lib/errors.ts'
import { outputEncoder } from '../lib/output-json.ts'
import type { CallsInProgress } from './calls-in-progress.ts'
import { sendEventStream } from './event-stream.ts'
import type { ExportsInProgress } from './exports-in-progress.ts'
import { type Fields, type ReadPage, sendJsonLines, wantsLines } from './json-lines.ts'
import { requireWellFormedQuery } from './query.ts'
import { decodeList, type Route, routes } from './routes.ts'
import { closeSignal, onceWritten } from './written-response.ts'

interface Options {
  createContext: (
    request: FastifyRequest,
    options: { reply: FastifyReply; transport: 'rest' | 'stream' },
  ) => Promise<Context>
  calls: CallsInProgress
  exports: ExportsInProgress
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
    // A HEAD request would hold the stream open.
    exposeHeadRoute: false,
    compress: false,
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
  { createContext, calls, exports }: Options,
): void {
  const encode = outputEncoder(entry.output)
  app.route({
    method: entry.http.method,
    url: urlOf(entry),
    config: { call: { operation: name, transport: 'rest' } },
    ...(entry.kind !== 'query' && { compress: false }),
    async handler(request, reply) {
      const context: Context = {
        ...(await createContext(request, { reply, transport: 'rest' })),
        disconnected: closeSignal(reply.raw),
        onSent: onceWritten(request.method, reply.raw),
      }
      const underWay = calls.begin(context.caller, context, reply.raw)
      const ctx = await admit(context, entry)
      const input = entry.input.safeParse(readInput(route, request))
      if (!input.success) throw toInputError(input.error)
      reply.header('cache-control', 'no-store')
      if (entry.http.lines && wantsLines(request)) {
        // A test ensures that every entry with lines is a list.
        return sendJsonLines(reply, input.data as Fields, {
          readPage: (async (fields) => entry.output.parse(await run(ctx, fields))) as ReadPage,
          underWay,
          nextTurn: exports.begin(context, entry, reply.raw),
        })
      }
      const json = encode(await run(ctx, input.data))
      if (json === undefined) return reply.code(204).send()
      // As bytes: Node writes long strings much more slowly.
      const body = Buffer.from(json)
      // A mutation's response is short, and the change has already been made.
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

/** Merges the fields of path, query and body into one input. Keeps unknown fields, so that validation rejects them. */
function readInput(route: Route, request: FastifyRequest): Record<string, unknown> {
  const issues: InputIssue[] = []
  const input: Record<string, unknown> = {}

  requireWellFormedQuery(request.url)
  for (const [name, value] of Object.entries(request.query as Record<string, string | string[]>)) {
    if (route.hasBody || route.pathFields.includes(name)) {
      issues.push({ path: name, message: 'is not a known query parameter' })
    } else if (route.lists.has(name)) {
      setField(input, name, encodedValuesOf(request.url, name).flatMap(decodeList))
    } else if (Array.isArray(value)) {
      issues.push({ path: name, message: 'must be given only once' })
    } else {
      setField(input, name, decode(route, name, value))
    }
  }
  for (const [name, value] of Object.entries(readBody(route, request))) {
    if (route.pathFields.includes(name))
      issues.push({ path: name, message: 'must only be given in the path' })
    else setField(input, name, value)
  }
  for (const [name, value] of Object.entries(request.params as Record<string, string>)) {
    setField(input, name, decode(route, name, value))
  }

  const [first] = issues
  if (first) throw new SottoError('INVALID_INPUT', { detail: `${first.path}: ${first.message}`, issues })
  return input
}

/** The values of a query parameter, as they were sent. */
function encodedValuesOf(url: string, name: string): string[] {
  const query = url.slice(url.indexOf('?') + 1)
  return query.split('&').flatMap((pair) => {
    const [key = '', ...value] = pair.split('=')
    return decodeURIComponent(key.replaceAll('+', ' ')) === name ? [value.join('=')] : []
  })
}

function decode({ decoders }: Route, name: string, text: string): unknown {
  const decoder = decoders.get(name)
  return decoder ? decoder(text) : text
}

/** Also sets a field named `__proto__`, so that it is rejected like any other unknown field. */
function setField(input: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') input[name] = value
  else Object.defineProperty(input, name, { value, enumerable: true })
}

function readBody(route: Route, request: FastifyRequest): Record<string, unknown> {
  const body: unknown = request.body ?? {}
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new SottoError('INVALID_INPUT', {
      detail: 'the body must be a JSON object',
      issues: [{ path: '', message: 'must be a JSON object' }],
    })
  }
  const fields = body as Record<string, unknown>
  requireFewFields(fields)
  if (!route.hasBody && Object.keys(fields).length > 0) {
    const path = shownPath(Object.keys(fields)[0] ?? '')
    const message = 'cannot be sent: this route does not accept a body'
    throw new SottoError('INVALID_INPUT', { detail: `${path}: ${message}`, issues: [{ path, message }] })
  }
  return fields
}
