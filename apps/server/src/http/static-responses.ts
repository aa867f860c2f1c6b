import { createHash } from 'node:crypto'
import { setImmediate as nextImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** What is there for anybody, and the same for everybody. */
export interface Document {
  type: string
  make: () => Promise<Buffer> | Buffer
  headers?: Readonly<Record<string, string>>
  /** Nothing of it is secret, and it is large enough for it to matter. */
  isCompressed?: boolean
}

/** Serves a document at a path. */
export type ServeDocument = (path: string, document: Document) => void

/** In the order of preference. Browsers ask for Brotli over TLS and on localhost. */
const encoders = { br: promisify(brotliCompress), gzip: promisify(gzip) } as const

type Encoding = keyof typeof encoders | 'identity'

interface Body {
  bytes: Buffer
  etag: string
}

/**
 * All who ask for a document are sent the same bytes, which are held once, however many do not read them.
 *
 * @param begin counts the call while it is under way.
 */
export function staticResponses(
  app: FastifyInstance,
  begin: (request: FastifyRequest, reply: FastifyReply) => void,
): ServeDocument {
  return (path, { type, make, headers = {}, isCompressed = false }) => {
    // Made when somebody asks: most servers' lives go by without it.
    const made = new Map<Encoding, Promise<Body>>()
    const bodyIn = (encoding: Encoding): Promise<Body> => {
      const body = made.get(encoding) ?? makeBody(encoding)
      made.set(encoding, body)
      return body
    }
    const makeBody = async (encoding: Encoding): Promise<Body> => {
      if (encoding === 'identity') return withTag(await make())
      return withTag(await encoders[encoding]((await bodyIn('identity')).bytes))
    }
    app.get(path, async (request, reply) => {
      begin(request, reply)
      // All that came together is counted before the first answer leaves. Thousands at once would otherwise be sent one
      // after the other, and everybody else wait for as long.
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

/** One that the header names without a weight of zero; the whole document is right for everybody else. */
function encodingFor({ headers }: FastifyRequest): Encoding {
  const accepted = String(headers['accept-encoding'] ?? '')
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => !/;\s*q=0(\.0*)?$/.test(one))
    .map((one) => one.split(';', 1)[0])
  if (accepted.includes('br')) return 'br'
  return accepted.includes('gzip') ? 'gzip' : 'identity'
}

function withTag(bytes: Buffer): Body {
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` }
}
