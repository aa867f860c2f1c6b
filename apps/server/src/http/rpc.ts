import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { TRPCError } from '@trpc/server'
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app/app.ts'
import type { Context } from '../app/context.ts'
import { reportFailure } from '../metrics/reported-calls.ts'
import {
  type Answer,
  answerLine,
  answerWithError,
  batchBodyOf,
  bodyOf,
  errorsIn,
  headLine,
  statusOf,
} from '../rpc/answer.ts'
import {
  countUnreached,
  findOperation,
  inputReader,
  MAX_BATCH_SIZE,
  opensStream,
  type RpcCalls,
  readCalls,
} from '../rpc/request.ts'
import { appRouter } from '../rpc/router.ts'
import { runCall } from '../rpc/run-call.ts'
import { requestIds } from '../rpc/trpc.ts'
import { notUtf8 } from './body.ts'
import { nameOfOperation } from './call-reports.ts'
import type { CallsInProgress } from './calls-in-progress.ts'
import { sendUncompressed } from './compression.ts'
import { retryFields } from './problem.ts'
import { requireWellFormedQuery } from './query.ts'
import { closeSignal, onceWritten } from './written-response.ts'

interface RpcRoute {
  Params: { path: string }
  Querystring: Record<string, string | string[] | undefined>
}

type RpcHttpRequest = FastifyRequest<RpcRoute>

interface Options {
  app: App
  /** Whether responses depend on the origin of the page. */
  variesByOrigin: boolean
  createContext: (
    request: FastifyRequest,
    options: { reply: FastifyReply | undefined; transport: 'rpc' | 'stream' },
  ) => Promise<Context>
  calls: CallsInProgress
  /**
   * Charges a call that no operation receives.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  chargeUnknown: (request: FastifyRequest) => Promise<void>
}

/**
 * Serves the operations at /trpc, for tRPC's HTTP links. Streams are served by tRPC's adapter, which would take longer
 * for a call than the call itself.
 */
export async function registerRpc(app: FastifyInstance, options: Options): Promise<void> {
  await app.register((rpc, _options, registered) => {
    rpc.removeAllContentTypeParsers()
    // As text: it is parsed once the call has been charged.
    rpc.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
      if (isUtf8(body)) done(null, body.toString('utf8'))
      else done(notUtf8())
    })
    const config = { call: { operation: 'unknown', transport: 'rpc' } } as const
    // An operation charges its own calls. Before the body is read.
    const onRequest = async (request: RpcHttpRequest) => {
      const unreached = countUnreached(callsOf(request), request.method)
      for (let left = unreached; left > 0; left--) await options.chargeUnknown(request)
    }
    for (const method of rpc.supportedMethods) {
      rpc.route<RpcRoute>({
        method,
        url: '/trpc/:path',
        exposeHeadRoute: false,
        config,
        onRequest,
        // Queries are GET.
        ...(method !== 'GET' && { compress: false }),
        handler: (request, reply) => answer(request, reply, options),
      })
    }
    registered()
  })
}

function callsOf({ method, params, query, headers }: RpcHttpRequest): RpcCalls | TRPCError {
  return readCalls({
    method,
    path: params.path,
    batch: [query.batch].flat()[0],
    contentType: headers['content-type'],
    trpcAccept: [headers['trpc-accept']].flat()[0],
    accept: headers.accept,
  })
}

async function answer(request: RpcHttpRequest, reply: FastifyReply, options: Options): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store')
  if (request.method === 'HEAD') return reply.code(204).send()
  const calls = callsOf(request)
  if (!(calls instanceof TRPCError) && opensStream(calls)) return openStream(request, reply, options)

  reply.headers({
    'content-type': 'application/json',
    vary: varyOf(options),
  })
  if (calls instanceof TRPCError) {
    return send(reply, [rejected(calls, undefined, request, options)], false)
  }
  const answers = calls.names.map(await runnerOf(request, reply, calls, options))
  return calls.isStreamed ? sendLines(reply, answers) : send(reply, await Promise.all(answers), calls.isBatch)
}

/** In addition to the origin, the response depends on the headers that ask for lines. */
function varyOf({ variesByOrigin }: Options): string {
  return variesByOrigin ? 'trpc-accept, accept, origin' : 'trpc-accept, accept'
}

/** Authenticates a request. Returns a function that runs one of its calls and never rejects. */
async function runnerOf(
  request: RpcHttpRequest,
  reply: FastifyReply,
  calls: RpcCalls,
  options: Options,
): Promise<(name: string, index: number) => Promise<Answer>> {
  const opened = await openCalls(request, reply, calls, options).catch((error: unknown) => ({ error }))
  const readInput = inputReader(calls, () => textOf(request))
  return async (name, index) => {
    try {
      const found = findOperation(name, request.method)
      if ('error' in found) {
        if (found.allow !== undefined) reply.header('allow', found.allow)
        throw found.error
      }
      // As in tRPC, each call has the error.
      if ('error' in opened) throw opened.error
      const { ctx, hold } = opened
      return { output: await runCall(ctx, { operation: found, readInput: () => readInput(index), hold }) }
    } catch (error) {
      return rejected(error, name, request, options)
    }
  }
}

/** Creates the context of all calls of a request. */
async function openCalls(
  request: RpcHttpRequest,
  reply: FastifyReply,
  { isStreamed }: RpcCalls,
  { createContext, calls }: Options,
): Promise<{ ctx: Context; hold: (bytes: number) => void }> {
  const base = await createContext(request, {
    // The headers of a response in lines are sent before the calls end, so they cannot set a cookie.
    reply: isStreamed ? undefined : reply,
    transport: 'rpc',
  })
  const { hold } = calls.begin(base.caller, base, reply.raw)
  const ctx = {
    ...base,
    disconnected: closeSignal(reply.raw),
    onSent: onceWritten(request.method, reply.raw),
  }
  return { ctx, hold }
}

function textOf({ method, query, url, body }: RpcHttpRequest): string | undefined {
  if (method !== 'GET') return body as string | undefined
  requireWellFormedQuery(url)
  return [query.input].flat()[0]
}

function rejected(
  error: unknown,
  name: string | undefined,
  { id }: FastifyRequest,
  { app }: Options,
): ReturnType<typeof answerWithError> {
  // Does nothing for a failure of the call itself, which has been reported with its duration.
  reportFailure(app, { operation: nameOfOperation(name), transport: 'rpc', requestId: id }, error)
  return answerWithError(error, id)
}

function send(reply: FastifyReply, answers: readonly Answer[], isBatch: boolean): FastifyReply {
  const [first] = answers
  const body = first && !isBatch ? bodyOf(first) : batchBodyOf(answers)
  // As bytes: Node writes long strings much more slowly.
  return reply
    .code(statusOf(answers))
    .headers(retryFields(errorsIn(answers)))
    .send(Buffer.from(body))
}

function sendLines(reply: FastifyReply, answers: readonly Promise<Answer>[]): FastifyReply {
  sendUncompressed(reply.request)
  const lines = new Readable({ read() {} })
  lines.push(headLine(answers.length))
  let left = answers.length
  for (const [index, answer] of answers.entries()) {
    void answer.then((known) => {
      lines.push(answerLine(known, index))
      if (--left === 0) lines.push(null)
    })
  }
  return reply.send(lines)
}

async function openStream(
  request: RpcHttpRequest,
  reply: FastifyReply,
  options: Options,
): Promise<FastifyReply> {
  const { app, createContext, variesByOrigin } = options
  sendUncompressed(request)
  await requestIds.run(request.id, () =>
    fastifyRequestHandler({
      router: appRouter,
      maxBatchSize: MAX_BATCH_SIZE,
      req: request,
      res: reply,
      path: request.params.path,
      createContext: async ({ info }) => ({
        ...(await createContext(request, { reply, transport: 'stream' })),
        disconnected: () => info.signal,
        onSent: onceWritten(request.method, reply.raw),
        hangUp: () => request.raw.socket.destroy(),
      }),
      responseMeta: () => ({ headers: new Headers(variesByOrigin ? { vary: 'origin' } : {}) }),
      onError({ error, path }) {
        const call = { operation: nameOfOperation(path), transport: 'stream', requestId: request.id } as const
        reportFailure(app, call, error)
      },
    }),
  )
  return reply
}
