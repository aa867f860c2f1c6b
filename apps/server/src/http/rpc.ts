import { isUtf8 } from 'node:buffer'
import { type FastifyTRPCPluginOptions, fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type appRouter, isProcedure } from '../rpc/router.ts'
import { requestIds } from '../rpc/trpc.ts'
import { notUtf8 } from './body.ts'
import { bufferJson } from './compression.ts'

/** The maximum number of calls in one tRPC request. */
export const MAX_BATCH_SIZE = 20

interface RpcRoute {
  Params: { path: string }
  Querystring: { batch?: string | string[] }
}

interface Options {
  /**
   * Charges a call that no procedure receives.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  chargeUnknown: (request: FastifyRequest) => Promise<void>
  trpcOptions: FastifyTRPCPluginOptions<typeof appRouter>['trpcOptions']
}

/**
 * Serves the router at /trpc.
 *
 * Replaces tRPC's own Fastify plugin, which also accepts forms, of any size and before authentication, and replaces
 * invalid UTF-8 with U+FFFD.
 */
export async function registerRpc(
  app: FastifyInstance,
  { chargeUnknown, trpcOptions }: Options,
): Promise<void> {
  await app.register((rpc, _options, registered) => {
    rpc.removeAllContentTypeParsers()
    // As text: tRPC parses it itself.
    rpc.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
      if (isUtf8(body)) done(null, body.toString('utf8'))
      else done(notUtf8())
    })
    const config = { call: { operation: 'unknown', transport: 'rpc' } } as const
    // A procedure charges its own calls. Before the body is read.
    const onRequest = async (req: FastifyRequest<RpcRoute>) => {
      for (let left = countUncharged(req); left > 0; left--) await chargeUnknown(req)
    }
    for (const method of rpc.supportedMethods) {
      rpc.route<RpcRoute>({
        method,
        url: '/trpc/:path',
        exposeHeadRoute: false,
        config,
        onRequest,
        // Queries are GET.
        ...(method === 'GET' ? { onSend: bufferJson } : { compress: false }),
        async handler(req, res) {
          res.header('cache-control', 'no-store')
          await requestIds.run(req.id, () =>
            fastifyRequestHandler({ ...trpcOptions, req, res, path: req.params.path }),
          )
        },
      })
    }
    registered()
  })
}

const kindsByMethod: Readonly<Record<string, readonly string[]>> = {
  GET: ['query', 'subscription'],
  HEAD: ['query', 'subscription'],
  POST: ['mutation'],
}

/** The number of calls in a request that no procedure receives; 1 if tRPC refuses the request as a whole. */
function countUncharged({ method, params, query, headers }: FastifyRequest<RpcRoute>): number {
  const isBatch = [query.batch].flat()[0] === '1'
  const paths = isBatch ? params.path.split(',', MAX_BATCH_SIZE + 1) : [params.path]
  if (paths.length > MAX_BATCH_SIZE) return 1
  const kinds = kindsByMethod[method] ?? []
  const unknown = paths.filter((path) => !kinds.some((kind) => isProcedure(path, kind)))
  if (unknown.length > 0) return unknown.length
  const areOfOneKind = kinds.some((kind) => paths.every((path) => isProcedure(path, kind)))
  const isStreamed = [headers['trpc-accept'], headers.accept].some((types) =>
    types?.includes('application/jsonl'),
  )
  return areOfOneKind && (isBatch || !isStreamed) ? 0 : 1
}
