import { type FastifyTRPCPluginOptions, fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import type { FastifyInstance } from 'fastify'
import type { ServerRouter } from '../rpc/router.ts'
import { decodeJson } from './body.ts'

/**
 * Serves the router at /trpc.
 *
 * tRPC's own plugin for Fastify would also take forms, of any size and before anyone has asked who sends them, and
 * put U+FFFD for what is not UTF-8.
 */
export async function registerRpc(
  app: FastifyInstance,
  trpcOptions: FastifyTRPCPluginOptions<ServerRouter>['trpcOptions'],
): Promise<void> {
  await app.register(async (rpc) => {
    rpc.removeAllContentTypeParsers()
    rpc.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
      try {
        // tRPC parses it, since a batch is an object of inputs.
        done(null, decodeJson(body))
      } catch (error) {
        done(error as Error)
      }
    })
    rpc.all<{ Params: { path: string } }>('/trpc/:path', async (req, res) => {
      res.header('cache-control', 'no-store')
      await fastifyRequestHandler({ ...trpcOptions, req, res, path: req.params.path })
    })
  })
}
