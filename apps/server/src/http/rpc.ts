import { isUtf8 } from 'node:buffer'
import { type FastifyTRPCPluginOptions, fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import type { FastifyInstance } from 'fastify'
import type { appRouter } from '../rpc/router.ts'
import { notUtf8 } from './body.ts'

/**
 * Serves the router at /trpc.
 *
 * Replaces tRPC's own Fastify plugin, which also accepts forms, of any size and before authentication, and replaces
 * invalid UTF-8 with U+FFFD.
 */
export async function registerRpc(
  app: FastifyInstance,
  trpcOptions: FastifyTRPCPluginOptions<typeof appRouter>['trpcOptions'],
): Promise<void> {
  await app.register((rpc, _options, registered) => {
    rpc.removeAllContentTypeParsers()
    // As text: tRPC parses it itself.
    rpc.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
      if (isUtf8(body)) done(null, body.toString('utf8'))
      else done(notUtf8())
    })
    const config = { call: { operation: 'unknown', transport: 'rpc' } } as const
    rpc.all<{ Params: { path: string } }>('/trpc/:path', { config }, async (req, res) => {
      res.header('cache-control', 'no-store')
      await fastifyRequestHandler({ ...trpcOptions, req, res, path: req.params.path })
    })
    registered()
  })
}
