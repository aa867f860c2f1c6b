import { SottoError } from '@sotto/contract'
import { randomId } from './random-id.ts'
import type { Fetch } from './transport.ts'
import { errorOfResponse, unreachable } from './transport.ts'
import { jitter } from './waiting.ts'

/** How long to collect users before they are sent, in milliseconds. */
const COLLECT_MS = 100
const BACKOFF = { firstMs: 500, longestMs: 30_000 }

/** What is needed to call the server. */
interface Caller {
  base: string
  fetch: Fetch
  headers: () => Promise<Headers>
}

interface Connection {
  streamId: string
  /** Closes the connection, after which the stream connects again. */
  reopen: () => void
}

/** The users whose presence a stream reports. More can be added while it is open. */
export class PresenceWatch {
  readonly #caller: Caller
  readonly #signal: AbortSignal
  #all: readonly string[]
  /** Those whom the current connection does not report yet. */
  readonly #pending = new Set<string>()
  #connection: Connection | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0

  constructor(caller: Caller, signal: AbortSignal, users: readonly string[]) {
    this.#caller = caller
    this.#signal = signal
    this.#all = users
    signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true })
  }

  /** @returns the parameters of the next connection. Each has an id of its own, because the server may still have the last one. */
  connect(): { presence: readonly string[]; streamId: string } {
    this.#connection = undefined
    this.#pending.clear()
    return { presence: this.#all, streamId: randomId() }
  }

  connected(connection: Connection): void {
    this.#connection = connection
    this.#attempt = 0
    this.#schedule(COLLECT_MS)
  }

  /**
   * @param all everyone to watch from the next connection on
   * @param added those whose presence the current connection is to send
   */
  watch(all: readonly string[], added: readonly string[]): void {
    this.#all = all
    for (const user of added) this.#pending.add(user)
    this.#schedule(COLLECT_MS)
  }

  #schedule(ms: number): void {
    if (this.#timer || this.#pending.size === 0 || this.#signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#connection) void this.#send(this.#connection)
    }, ms)
  }

  async #send(connection: Connection): Promise<void> {
    const presence = this.#all.filter((user) => this.#pending.has(user))
    this.#pending.clear()
    if (presence.length === 0) return
    try {
      const { found } = await this.#post({ streamId: connection.streamId, presence })
      this.#attempt = 0
      if (!found && this.#connection === connection) connection.reopen()
    } catch (error) {
      // The next connection watches them all.
      if (this.#connection !== connection || this.#signal.aborted) return
      if (error instanceof SottoError && !error.retryable) {
        connection.reopen()
        return
      }
      for (const user of presence) this.#pending.add(user)
      this.#attempt += 1
      this.#schedule(COLLECT_MS + jitter(this.#attempt, BACKOFF))
    }
  }

  async #post(input: { streamId: string; presence: readonly string[] }): Promise<{ found: boolean }> {
    const { base, fetch } = this.#caller
    const url = `${base}/v1/events/watch`
    const headers = await this.#caller.headers()
    headers.set('content-type', 'application/json')
    const request = {
      method: 'POST',
      headers: Object.fromEntries(headers),
      body: JSON.stringify(input),
      signal: this.#signal,
    }
    const response = await fetch(url, request).catch((cause: unknown) => {
      throw unreachable(url, cause)
    })
    if (response.status !== 200) throw await errorOfResponse(url, response)
    // As in the contract. A response that is not from a Sotto server has no `found`, so the stream is reopened.
    return (await response.json()) as { found: boolean }
  }
}
