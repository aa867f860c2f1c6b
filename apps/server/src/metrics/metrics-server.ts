import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'

/** Whoever scrapes is one, or a few. */
const MAX_CONNECTIONS = 20
/** How long one may take to ask, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000

interface Options {
  host: string
  /** 0 for any that is free. */
  port: number
  log: Logger
  page: () => Promise<{ contentType: string; text: string }>
}

/** The metrics' port could not be listened on; `cause` says why. */
export class MetricsListenError extends Error {
  override readonly name = 'MetricsListenError'
}

/**
 * Answers GET /metrics, and nothing else, on a port of its own. It asks nobody who they are: who reaches the port
 * reads how the server is used, so it must not be reached from outside.
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

  /** @throws {MetricsListenError} @returns the address to scrape, as a URL. */
  async listen(): Promise<string> {
    const { host, port } = this.#options
    this.#http.listen(port, host)
    try {
      await once(this.#http, 'listening')
    } catch (error) {
      throw new MetricsListenError(`cannot listen at ${host}, port ${port}`, { cause: error })
    }
    // A server that listens on a port, not on a pipe, has an address of this form.
    const { address, family, port: taken } = this.#http.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/metrics`
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
