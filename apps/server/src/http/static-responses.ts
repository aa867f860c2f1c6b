import { createHash } from 'node:crypto'
import { setImmediate as nextImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** A public document, the same for every caller. */
export interface Document {
  type: string
  make: () => Promise<Buffer> | Buffer
  headers?: Readonly<Record<string, string>>
  /** Set for documents that are large and contain no secrets. */
  isCompressed?: boolean
}

/** Serves a document at a path. */
export type ServeDocument = (path: string, document: Document) => void

/** In order of preference. Browsers accept Brotli only over TLS and on localhost. */
const encoders = { br: promisify(brotliCompress), gzip: promisify(gzip) } as const

type Encoding = keyof typeof encoders | 'identity'

interface Body {
  bytes: Buffer
  etag: string
}

/**
 * Serves documents. All responses share the same bytes in memory, no matter how many clients do not read them.
 *
 * @param begin counts the call while it is in progress.
 */
export function staticResponses(
  app: FastifyInstance,
  begin: (request: FastifyRequest, reply: FastifyReply) => void,
): ServeDocument {
  return (path, { type, make, headers = {}, isCompressed = false }) => {
    // Created on first request: most servers never need it.
    const bodies = new Map<Encoding, Promise<Body>>()
    const bodyIn = (encoding: Encoding): Promise<Body> => {
      const body = bodies.get(encoding) ?? makeBody(encoding)
      bodies.set(encoding, body)
      return body
    }
    const makeBody = async (encoding: Encoding): Promise<Body> => {
      if (encoding === 'identity') return withTag(await make())
      return withTag(await encoders[encoding]((await bodyIn('identity')).bytes))
    }
    app.get(path, { compress: false }, async (request, reply) => {
      begin(request, reply)
      // All concurrent requests are counted before the first response is sent. Otherwise thousands of them would be
      // served in a row while other requests wait.
      await nextImmediate()
      const encoding = isCompressed ? encodingFor(request) : 'identity'
      const { bytes, etag } = await bodyIn(encoding)
      reply.header('cache-control', 'no-cache').headers(headers)
      if (isCompressed)
        reply.header('vary', [reply.getHeader('vary'), 'accept-encoding'].filter(Boolean).join(', '))
      reply.header('etag', etag)
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      if (encoding !== 'identity') reply.header('content-encoding', encoding)
      return reply.header('content-type', `${type}; charset=utf-8`).send(bytes)
    })
  }
}

/** The preferred encoding among those that the client accepts; no compression otherwise. */
function encodingFor({ headers }: FastifyRequest): Encoding {
  const accepted = String(headers['accept-encoding'] ?? '')
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => !/;\s*q=0(\.0*)?$/.test(item))
    .map((item) => item.split(';', 1)[0])
  if (accepted.includes('br')) return 'br'
  return accepted.includes('gzip') ? 'gzip' : 'identity'
}

function withTag(bytes: Buffer): Body {
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` }
}
