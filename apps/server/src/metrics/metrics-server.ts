import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'

/** Enough for a few scrapers. */
const MAX_CONNECTIONS = 20
/** How long a client has to send its request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000

interface Options {
  host: string
  /** 0 for any free port. */
  port: number
  log: Logger
  page: () => Promise<{ contentType: string; text: string }>
}

/** The server cannot listen on the metrics port. `cause` has the reason. */
export class MetricsListenError extends Error {
  override readonly name = 'MetricsListenError'
}

/**
 * Serves only GET /metrics, on a separate port. Without authentication: anyone who can reach the port can see how the
 * server is used, so it must not be exposed to the internet.
 */
export class MetricsServer {
  readonly #options: Options
  readonly #http = createServer((request, response) => void this.#answer(request, response))

  constructor(options: Options) {
    this.#options = options
    this.#http.maxConnections = MAX_CONNECTIONS
    this.#http.requestTimeout = REQUEST_TIMEOUT_MS
    this.#http.headersTimeout = REQUEST_TIMEOUT_MS
  }

  /** @throws {MetricsListenError} @returns the URL to scrape. */
  async listen(): Promise<string> {
    const { host, port } = this.#options
    this.#http.listen(port, host)
    try {
      await once(this.#http, 'listening')
    } catch (error) {
      throw new MetricsListenError(`cannot listen on ${host}, port ${port}`, { cause: error })
    }
    // The address is a string only for pipes.
    const { address, family, port: actualPort } = this.#http.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}/metrics`
  }

  async close(): Promise<void> {
    if (!this.#http.listening) return
    const closed = once(this.#http, 'close')
    this.#http.close()
    this.#http.closeAllConnections()
    await closed
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store')
    response.setHeader('x-content-type-options', 'nosniff')
    if (url.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    try {
      const { contentType, text } = await this.#options.page()
      response.writeHead(200, { 'content-type': contentType }).end(text)
    } catch (error) {
      this.#options.log.error({ err: error }, 'collecting metrics failed')
      response.writeHead(500).end()
    }
  }
}
