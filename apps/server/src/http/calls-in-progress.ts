import type { ServerResponse } from 'node:http'
import { SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Holdings } from '../limits/holdings.ts'
import { networkOf } from '../limits/network-of.ts'
import type { Origin } from '../limits/origin.ts'

/*
 * A response that the client does not read stays in memory until its connection times out. Rate limits only bound how
 * fast such responses are created, not how many exist at once.
 */

/** The maximum number of concurrent calls per caller. A browser opens up to 6 connections to a server. */
const MAX_CALLS_PER_CALLER = 50
/**
 * The maximum size of unread responses per caller, in bytes: several of the longest pages in practice. Memory use is a
 * few times higher, because a response in transit is stored more than once.
 */
const MAX_UNREAD_BYTES = 16_777_216
/** Calls take milliseconds, unless their response is not read. */
const RETRY_AFTER_MS = 1_000

/** A call whose response has not been sent completely. */
export interface CallInProgress {
  /**
   * Counts a part of the response until it is released, or until the whole response has been sent. A single response
   * never exceeds the limit.
   *
   * @throws {SottoError} RATE_LIMITED if too much is waiting already for the same caller. Nothing is counted then.
   */
  hold(bytes: number): Release
}

export type Release = () => void

const unbounded: CallInProgress = { hold: () => () => {} }

/**
 * Counts the calls in progress per user, or per address for anonymous callers. Users are not also counted by address,
 * because everyone in an office behind one address may be waiting in a long poll. Service keys are not limited: they
 * belong to your back end.
 */
export class CallsInProgress {
  readonly #calls = new Holdings(MAX_CALLS_PER_CALLER)
  readonly #unread = new Holdings(MAX_UNREAD_BYTES)

  /**
   * Counts a call until its response has been sent or its connection is closed. A batch counts as one call.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  begin(caller: Caller, { address }: Origin, response: ServerResponse): CallInProgress {
    // A response that is already closed does not emit `close` again.
    if (caller.kind === 'key' || response.destroyed) return unbounded
    const holder = caller.kind === 'user' ? caller.actor.id : networkOf(address ?? '')
    if (!this.#calls.take(holder))
      throw limitExceeded(`a caller can have at most ${MAX_CALLS_PER_CALLER} calls in progress`)
    let held = 0
    const release = (bytes: number) => {
      const own = Math.min(bytes, held)
      held -= own
      this.#unread.release(holder, own)
    }
    response.once('close', () => {
      this.#calls.release(holder)
      release(held)
    })
    return {
      hold: (bytes) => {
        if (!this.#unread.take(holder, bytes)) {
          throw limitExceeded(`a caller can have at most ${MAX_UNREAD_BYTES} bytes of unread answers`)
        }
        held += bytes
        return () => release(bytes)
      },
    }
  }
}

function limitExceeded(detail: string): SottoError {
  return new SottoError('RATE_LIMITED', { detail, retryAfterMs: RETRY_AFTER_MS })
}
