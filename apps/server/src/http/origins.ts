import type { FastifyRequest } from 'fastify'

/**
 * The origins whose pages can open a WebSocket and use the session cookie: the server's own and the allowed ones. Pages
 * of allowed origins can also read responses (CORS).
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>

  /** @param allowed the origins in addition to the server's own, such as `https://app.example.com`. */
  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed)
  }

  /** Whether responses depend on the origin of the request. */
  get affectResponses(): boolean {
    return this.#allowed.size > 0
  }

  isAllowed(origin: string): boolean {
    return this.#allowed.has(origin)
  }

  /** Whether this is the server's own origin or an allowed one. */
  isTrusted(origin: string, request: FastifyRequest): boolean {
    return this.#allowed.has(origin) || isOwn(origin, request)
  }
}

/**
 * Compares hosts. An https page is also accepted if the request looks like plain http, because TLS may end at a proxy
 * that is not trusted to report it. The reverse is not accepted.
 */
function isOwn(origin: string, { host, protocol }: FastifyRequest): boolean {
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  return page.host === host && (page.protocol === 'https:' || protocol === 'http')
}
