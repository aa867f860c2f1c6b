import type { FastifyRequest } from 'fastify'

/**
 * Whose pages may do what a page of somebody else's may not: open a WebSocket, use the session cookie, and, for those
 * of the list, read answers across origins.
 */
export class Origins {
  readonly #listed: ReadonlySet<string>

  /** @param listed the origins besides the server's own, such as `https://app.example.com`. */
  constructor(listed: readonly string[]) {
    this.#listed = new Set(listed)
  }

  /** Whether any answer depends on the origin that asks. */
  get matter(): boolean {
    return this.#listed.size > 0
  }

  isListed(origin: string): boolean {
    return this.#listed.has(origin)
  }

  /** Whether this is the server's own origin, or one of the list. */
  isTrusted(origin: string, request: FastifyRequest): boolean {
    return this.#listed.has(origin) || isOwn(origin, request)
  }
}

/**
 * The host decides. TLS may end at a proxy that is not trusted to say so, hence a page over https is the server's
 * own also where the request looks like plain http; the other way round it is not.
 */
function isOwn(origin: string, { host, protocol }: FastifyRequest): boolean {
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  return page.host === host && (page.protocol === 'https:' || protocol === 'http')
}
