import { lookup as lookupHost } from 'node:dns/promises'
import { once } from 'node:events'
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { OutboundRules } from './outbound-rules.ts'

/** The timeout for a response, including redirects, in milliseconds. */
const RESPONSE_MS = 10_000
/** How many bytes of a response body are read and discarded to reuse the connection. */
const MAX_BODY_BYTES = 4_096
const MAX_REDIRECTS = 3
/** The redirects that keep the method and the body (RFC 9110, section 15.4). */
const REDIRECTS = new Set([307, 308])
/** How long idle connections are kept, in milliseconds; most receivers keep them at least as long. */
const IDLE_MS = 4_000

/** All addresses of a host. */
export type ResolveHost = (host: string) => Promise<readonly { address: string; family: number }[]>

const resolveBySystem: ResolveHost = (host) => lookupHost(host, { all: true })

/** The response status, or an error text that reveals nothing about the receiver. */
export type SendResult =
  | { status: number; retryAfter: string | undefined }
  | { status: undefined; error: string }

interface Options {
  rules: OutboundRules
  resolveHost?: ResolveHost | undefined
  timeoutMs?: number
}

/**
 * Sends requests to user-supplied URLs that the outbound rules allow.
 *
 * Checks the address after resolving the name and connects to that address, so DNS rebinding has no effect. Follows up
 * to three redirects, each checked the same way. Ignores proxy settings of the environment.
 */
export class HttpSender {
  readonly #rules: OutboundRules
  readonly #responseMs: number
  readonly #lookup: LookupFunction
  // Own agents, because the global ones may use a proxy.
  readonly #http = new HttpAgent({ keepAlive: true, timeout: IDLE_MS })
  readonly #https = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS })

  constructor({ rules, resolveHost = resolveBySystem, timeoutMs = RESPONSE_MS }: Options) {
    this.#rules = rules
    this.#responseMs = timeoutMs
    const resolve = shareLookups(resolveHost)
    this.#lookup = (host, { all }, callback) => {
      resolve(host).then(
        (found) => {
          const allowed = found.filter(({ address }) => rules.allowsAddress(address, host))
          const [first] = allowed
          if (!first) callback(new AddressNotAllowed(), '')
          else if (all) callback(null, [...allowed])
          else callback(null, first.address, first.family)
        },
        (error: Error) => callback(error, ''),
      )
    }
  }

  /** Posts a body and discards the response body. Only throws if the signal is aborted. */
  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const timeout = AbortSignal.timeout(this.#responseMs)
    try {
      return await this.#follow(new URL(url), headers, body, AbortSignal.any([signal, timeout]))
    } catch (error) {
      signal.throwIfAborted()
      if (timeout.aborted) return failed(`no response within ${this.#responseMs / 1_000} s`)
      return failed(failureText(error))
    }
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #follow(
    first: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendResult> {
    let url = first
    for (let redirects = 0; ; redirects++) {
      if (this.#rules.refusalOf(url)) throw new AddressNotAllowed()
      const response = await this.#postOnce(url, headers, body, signal)
      const { statusCode: status = 0, headers: fields } = response
      await discard(response)
      if (!REDIRECTS.has(status)) return { status, retryAfter: fields['retry-after'] }
      if (redirects === MAX_REDIRECTS) return failed(`more than ${MAX_REDIRECTS} redirects`)
      const next = URL.parse(fields.location ?? '', url.href)
      if (!next) return failed('redirect without a valid Location')
      url = next
    }
  }

  async #postOnce(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    for (;;) {
      const request = this.#begin(url, headers, body, signal)
      try {
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        return response
      } catch (error) {
        // The receiver closed an idle connection while the request was being sent.
        if (!(request.reusedSocket && codeOf(error) === 'ECONNRESET')) throw error
      }
    }
  }

  #begin(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): ClientRequest {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      lookup: this.#lookup,
      signal,
    }
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: this.#https })
        : httpRequest(url, { ...options, agent: this.#http })
    // Errors after the response headers do not matter.
    request.on('error', () => {})
    request.end(body)
    return request
  }
}

/** Shares concurrent lookups of a host: each lookup occupies one of a few threads. */
function shareLookups(resolveHost: ResolveHost): ResolveHost {
  const pending = new Map<string, ReturnType<ResolveHost>>()
  return (host) => {
    const lookup = pending.get(host) ?? resolveHost(host).finally(() => pending.delete(host))
    pending.set(host, lookup)
    return lookup
  }
}

class AddressNotAllowed extends Error {
  constructor() {
    super('the address is not allowed')
  }
}

function failed(error: string): SendResult {
  return { status: undefined, error }
}

/** Reads a short response body to the end, otherwise closes the connection. Never throws. */
async function discard(response: IncomingMessage): Promise<void> {
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) break
    }
  } catch {
    // A truncated body does not change the result.
  }
}

/** Node's error code rather than its message, which may contain addresses. */
function failureText(error: unknown): string {
  if (error instanceof AddressNotAllowed) return 'the address is internal and not allowed'
  return codeOf(error) ?? 'the request failed'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
