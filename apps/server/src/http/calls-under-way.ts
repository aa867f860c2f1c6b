import type { ServerResponse } from 'node:http'
import { SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Holdings } from '../limits/holdings.ts'
import { networkOf } from '../limits/network-of.ts'
import type { Origin } from '../limits/origin.ts'

/*
 * An answer that is not read stays in memory until its connection is given up, and rates bound only how fast such
 * answers come.
 */

/** How many calls of one caller are under way at once. A browser has 6 connections to a server. */
const MAX_CALLS_OF_A_CALLER = 50
/**
 * How much of the answers to one caller may wait to be taken, in bytes: several of the longest pages that people
 * write. What waits exists more than once on its way, so a caller costs some times as much.
 */
const MAX_UNTAKEN_BYTES = 16_777_216
/** Calls take milliseconds, save those that nobody reads. */
const RETRY_AFTER_MS = 1_000

/** A call whose answer has not left yet. */
export interface CallUnderWay {
  /**
   * Counts a part of its answer that is there, until the answer has left, or until it is released. One answer alone is
   * never too much.
   *
   * @throws {SottoError} RATE_LIMITED when too much waits already for the same caller; nothing is counted then.
   */
  hold(bytes: number): Release
}

export type Release = () => void

const unbounded: CallUnderWay = { hold: () => () => {} }

/**
 * The calls whose answer has not left yet, of each user, and of each address for those without credentials. Users are
 * not counted by address besides: of an office behind one, all may wait in a long poll. Service keys are your own back
 * end.
 */
export class CallsUnderWay {
  readonly #calls = new Holdings(MAX_CALLS_OF_A_CALLER)
  readonly #untaken = new Holdings(MAX_UNTAKEN_BYTES)

  /**
   * Counts one until its answer has left, or its connection is closed. A batch is one.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  begin(caller: Caller, { address }: Origin, response: ServerResponse): CallUnderWay {
    // Whose connection is closed already is told so no more.
    if (caller.kind === 'key' || response.destroyed) return unbounded
    const holder = caller.kind === 'user' ? caller.actor.id : networkOf(address ?? '')
    if (!this.#calls.take(holder))
      throw tooMuch(`a caller can have at most ${MAX_CALLS_OF_A_CALLER} calls in progress`)
    let held = 0
    const release = (bytes: number) => {
      const own = Math.min(bytes, held)
      held -= own
      this.#untaken.release(holder, own)
    }
    response.once('close', () => {
      this.#calls.release(holder)
      release(held)
    })
    return {
      hold: (bytes) => {
        if (!this.#untaken.take(holder, bytes)) {
          throw tooMuch(`a caller can have at most ${MAX_UNTAKEN_BYTES} bytes of unread answers`)
        }
        held += bytes
        return () => release(bytes)
      },
    }
  }
}

function tooMuch(detail: string): SottoError {
  return new SottoError('RATE_LIMITED', { detail, retryAfterMs: RETRY_AFTER_MS })
}
