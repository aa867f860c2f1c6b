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

/** How long a receiver may take to answer, redirects included, in milliseconds. */
const ANSWER_MS = 10_000
/** How much of an answer's body is read, and thrown away, so that the connection can be used again; in bytes. */
const MAX_BODY_BYTES = 4_096
const MAX_REDIRECTS = 3
/** Those that keep the method and the body (RFC 9110, section 15.4). */
const REDIRECTS = new Set([307, 308])
/** How long a connection that nobody uses is kept, in milliseconds; receivers seldom keep one for less. */
const IDLE_MS = 4_000

/** All addresses of a host. */
export type ResolveHost = (host: string) => Promise<readonly { address: string; family: number }[]>

const resolveBySystem: ResolveHost = (host) => lookupHost(host, { all: true })

/** What became of a request: the answer's status, or why there is none, in words that hold nothing of the receiver. */
export type SendResult =
  | { status: number; retryAfter: string | undefined }
  | { status: undefined; error: string }

interface Options {
  rules: OutboundRules
  resolveHost?: ResolveHost | undefined
  answerMs?: number
}

/**
 * Sends requests to where somebody else has said, and nowhere that the rules do not allow.
 *
 * The address is checked when the connection is made, after the name was resolved, and it is that very address which
 * is connected to: what a name resolves to at another time does not matter. Redirects are followed three times, each
 * checked in the same way. Proxy settings of the environment are not followed.
 */
export class HttpSender {
  readonly #rules: OutboundRules
  readonly #answerMs: number
  readonly #lookup: LookupFunction
  // Agents of its own: the global ones may go through a proxy.
  readonly #http = new HttpAgent({ keepAlive: true, timeout: IDLE_MS })
  readonly #https = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS })

  constructor({ rules, resolveHost = resolveBySystem, answerMs = ANSWER_MS }: Options) {
    this.#rules = rules
    this.#answerMs = answerMs
    const resolve = oneAtATime(resolveHost)
    this.#lookup = (host, { all }, callback) => {
      resolve(host).then(
        (found) => {
          const allowed = found.filter(({ address }) => rules.allowsAddress(address, host))
          const [first] = allowed
          if (!first) callback(new AddressRefused(), '')
          else if (all) callback(null, [...allowed])
          else callback(null, first.address, first.family)
        },
        (error: Error) => callback(error, ''),
      )
    }
  }

  /**
   * Posts a body. Never throws, except when the signal is aborted.
   *
   * Whatever the receiver says beyond the head of its answer changes nothing.
   */
  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const timeout = AbortSignal.timeout(this.#answerMs)
    try {
      return await this.#follow(new URL(url), headers, body, AbortSignal.any([signal, timeout]))
    } catch (error) {
      signal.throwIfAborted()
      if (timeout.aborted) return failed(`no answer within ${this.#answerMs / 1_000} s`)
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
      if (this.#rules.refusalOf(url)) throw new AddressRefused()
      const answer = await this.#postOnce(url, headers, body, signal)
      const { statusCode: status = 0, headers: fields } = answer
      await discard(answer)
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
        const [answer] = (await once(request, 'response')) as [IncomingMessage]
        return answer
      } catch (error) {
        // The receiver has closed a kept connection while the request was on its way: nothing was answered.
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
    // What goes wrong after the head of the answer is nobody's concern.
    request.on('error', () => {})
    request.end(body)
    return request
  }
}

/** Asks once for all who want to know the same at a time: each question to a slow name server takes one of few threads. */
function oneAtATime(resolveHost: ResolveHost): ResolveHost {
  const asked = new Map<string, ReturnType<ResolveHost>>()
  return (host) => {
    const answer = asked.get(host) ?? resolveHost(host).finally(() => asked.delete(host))
    asked.set(host, answer)
    return answer
  }
}

class AddressRefused extends Error {
  constructor() {
    super('the address is not allowed')
  }
}

function failed(error: string): SendResult {
  return { status: undefined, error }
}

/** Reads the rest of an answer for as long as it is short, then closes the connection. Never throws. */
async function discard(answer: IncomingMessage): Promise<void> {
  let bytes = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) break
    }
  } catch {
    // The status stands, however its body ends.
  }
}

/** Node's own code for what went wrong. The message may hold addresses. */
function failureText(error: unknown): string {
  if (error instanceof AddressRefused) return 'the address is internal and not allowed'
  return codeOf(error) ?? 'the request failed'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
