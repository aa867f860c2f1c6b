import type { FastifyBaseLogger, FastifyRequest } from 'fastify'

/** How many refused origins are logged until the server restarts. Anyone can send any number of them. */
const MAX_REPORTED = 100
const MAX_ORIGIN_LENGTH = 200

/**
 * The origins whose pages can open a WebSocket and use the session cookie: the server's own and the allowed ones. Pages
 * of allowed origins can also read responses (CORS).
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #log: Pick<FastifyBaseLogger, 'warn'>
  readonly #reported = new Set<string>()

  /** @param allowed the origins in addition to the server's own, such as `https://app.example.com`. */
  constructor(allowed: readonly string[], log: Pick<FastifyBaseLogger, 'warn'>) {
    this.#allowed = new Set(allowed)
    this.#log = log
  }

  /** Logs the origin of a page that cannot use this server, once. Browsers only tell the page that the request failed. */
  reportRefused(request: FastifyRequest): void {
    const { origin } = request.headers
    if (origin === undefined || this.isTrusted(origin, request)) return
    const shown = origin.slice(0, MAX_ORIGIN_LENGTH)
    if (this.#reported.has(shown) || this.#reported.size >= MAX_REPORTED) return
    this.#reported.add(shown)
    this.#log.warn(
      { origin: shown },
      'pages of this origin cannot use the server: add it to SOTTO_ALLOWED_ORIGINS if it is yours',
    )
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
