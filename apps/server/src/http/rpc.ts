import { isUtf8 } from 'node:buffer'
import { type FastifyTRPCPluginOptions, fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type appRouter, isProcedure } from '../rpc/router.ts'
import { requestIds } from '../rpc/trpc.ts'
import { notUtf8 } from './body.ts'
import { bufferJson } from './compression.ts'

/** The maximum number of calls in one tRPC request. */
export const MAX_BATCH_SIZE = 20

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
    const onRequest = async (req: FastifyRequest<{ Params: { path: string } }>) => {
      const kinds = req.method === 'POST' ? ['mutation'] : ['query', 'subscription']
      for (const path of req.params.path.split(',', MAX_BATCH_SIZE)) {
        if (!kinds.some((kind) => isProcedure(path, kind))) await chargeUnknown(req)
      }
    }
    for (const method of rpc.supportedMethods) {
      rpc.route<{ Params: { path: string } }>({
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
