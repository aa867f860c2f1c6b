import { type InputIssue, SottoError } from '@sotto/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import { admit } from '../auth/gate.ts'
import { refusedInput, requireFewFields, shownPath } from '../lib/errors.ts'
import { withWrittenDates } from '../lib/json-dates.ts'
import type { ServerRouter } from '../rpc/router.ts'
import { implementationOf } from '../rpc/trpc.ts'
import type { CallsUnderWay } from './calls-under-way.ts'
import { sendEventStream } from './event-stream.ts'
import { type Fields, type ReadPage, sendJsonLines, wantsLines } from './json-lines.ts'
import { type Operation, operations } from './operations.ts'

interface Options {
  router: ServerRouter
  createContext: (
    request: FastifyRequest,
    options: { reply: FastifyReply; transport: 'rest' | 'stream' },
  ) => Promise<Context>
  calls: CallsUnderWay
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Serves every operation of the contract as plain HTTP: the same procedures, with other clothes on. */
export function registerRest(app: FastifyInstance, { router, createContext, calls }: Options): void {
  for (const operation of operations) {
    const { entry, name } = operation
    const url = entry.http.path.replaceAll(/\{(\w+)\}/g, ':$1')
    if (entry.kind === 'subscription') {
      app.route({
        method: entry.http.method,
        url,
        // A HEAD would hold the stream open for nothing.
        exposeHeadRoute: false,
        config: { call: { operation: name, transport: 'stream' } },
        async handler(request, reply) {
          const ctx = await createContext(request, { reply, transport: 'stream' })
          await admit(ctx, entry)
          await sendEventStream(ctx, readInput(operation, request), request, reply)
        },
      })
      continue
    }
    const { run } = implementationOf(procedureAt(router, name))
    app.route({
      method: entry.http.method,
      url,
      config: { call: { operation: name, transport: 'rest' } },
      async handler(request, reply) {
        const ctx: Context = {
          ...(await createContext(request, { reply, transport: 'rest' })),
          gone: () => signalOf(reply),
        }
        const underWay = calls.begin(ctx.caller, ctx, reply.raw)
        await admit(ctx, entry)
        const input = entry.input.safeParse(readInput(operation, request))
        if (!input.success) throw refusedInput(input.error)
        // The input has just passed the entry's schema, which is the use case's type.
        const call = async (fields: unknown) => entry.output.parse(await run(ctx, fields as never))
        reply.header('cache-control', 'no-store')
        if (entry.http.lines && wantsLines(request)) {
          // Every entry with lines is a list, as a test of the contract sees to.
          return sendJsonLines(reply, input.data as Fields, { readPage: call as ReadPage, underWay })
        }
        const output = await call(input.data)
        if (entry.http.status === 204) return reply.code(204).send()
        // As bytes: Node writes a long string much more slowly.
        const body = Buffer.from(JSON.stringify(withWrittenDates(output)))
        // What a change answers is short, and the change has been made.
        if (entry.kind === 'query') underWay.hold(body.length)
        const { status, repeatedStatus = status } = entry.http
        return reply
          .code(ctx.outcome.repeated ? repeatedStatus : status)
          .header('content-type', JSON_TYPE)
          .send(body)
      },
    })
  }
}

function signalOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

function procedureAt(router: ServerRouter, name: string): object {
  const procedures: Record<string, unknown> = router._def.procedures
  const procedure = procedures[name]
  if (typeof procedure !== 'function') throw new Error(`the router has no ${name}`)
  return procedure
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

/** Also a field called `__proto__`, which is then refused by its name like any other that is unknown. */
function setField(input: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') input[name] = value
  else Object.defineProperty(input, name, { value, enumerable: true })
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
  requireFewFields(fields)
  if (!operation.hasBody && Object.keys(fields).length > 0) {
    const path = shownPath(Object.keys(fields)[0] ?? '')
    const message = 'is not taken: this route has no body'
    throw new SottoError('INVALID_INPUT', { detail: `${path}: ${message}`, issues: [{ path, message }] })
  }
  return fields
}
