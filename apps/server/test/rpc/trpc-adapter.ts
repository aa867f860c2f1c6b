import { isUtf8 } from 'node:buffer'
import type { RunningServer } from '@sotto/testing/internal'
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import fastify from 'fastify'
import { createContextMaker } from '../../src/http/caller.ts'
import { Origins } from '../../src/http/origins.ts'
import { retryFields } from '../../src/http/problem.ts'
import { toSottoError } from '../../src/lib/errors.ts'
import { appRouter } from '../../src/rpc/router.ts'
import { requestIds } from '../../src/rpc/trpc.ts'

interface Adapter extends AsyncDisposable {
  url: string
}

/** Serves the same operations and data as a server, but all calls with tRPC's own adapter for Fastify. */
export async function startTrpcAdapter({ app }: RunningServer): Promise<Adapter> {
  const http = fastify({ requestIdHeader: 'x-request-id', routerOptions: { maxParamLength: 2_000 } })
  const createContext = createContextMaker(app, new Origins([], { warn() {} }))
  http.decorateRequest('quota', undefined)
  http.removeAllContentTypeParsers()
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) =>
    done(isUtf8(body) ? null : new Error('not UTF-8'), body.toString()),
  )
  for (const method of http.supportedMethods) {
    http.route<{ Params: { path: string } }>({
      method,
      url: '/trpc/:path',
      exposeHeadRoute: false,
      async handler(request, reply) {
        await requestIds.run(request.id, () =>
          fastifyRequestHandler({
            router: appRouter,
            maxBatchSize: 20,
            req: request,
            res: reply,
            path: request.params.path,
            createContext: ({ req }) => createContext(req, { transport: 'rpc' }),
            responseMeta: ({ errors }) => ({ headers: new Headers(retryFields(errors.map(toSottoError))) }),
          }),
        )
        return reply
      },
    })
  }
  const url = await http.listen({ host: '127.0.0.1', port: 0 })
  return { url, [Symbol.asyncDispose]: () => http.close() }
}
