import type { ServerResponse } from 'node:http'
import { SottoError } from '@sotto/contract'
import type { Caller, Origin } from '../context.ts'
import { Holdings } from '../limits/holdings.ts'
import { networkOf } from '../limits/network-of.ts'

/**
 * How many calls of one caller are under way at once. An answer that is not read stays in memory until its connection
 * is given up, and rates bound only how fast such answers come. A browser has 6 connections to a server.
 */
const MAX_CALLS_OF_A_CALLER = 50
/** Calls take milliseconds, save those that nobody reads. */
const RETRY_AFTER_MS = 1_000

/**
 * The calls whose answer has not left yet, of each user, and of each address for those without credentials. Users are
 * not counted by address besides: of an office behind one, all may wait in a long poll. Service keys are your own back
 * end.
 */
export class CallsUnderWay {
  readonly #holdings = new Holdings(MAX_CALLS_OF_A_CALLER)

  /**
   * Counts one until its answer has left, or its connection is closed. A batch is one.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  begin(caller: Caller, { address }: Origin, response: ServerResponse): void {
    // Whose connection is closed already is told so no more.
    if (caller.kind === 'key' || response.destroyed) return
    const holder = caller.kind === 'user' ? caller.actor.id : networkOf(address ?? '')
    if (!this.#holdings.take(holder)) {
      throw new SottoError('RATE_LIMITED', {
        detail: `a caller takes at most ${MAX_CALLS_OF_A_CALLER} calls at once`,
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    response.once('close', () => this.#holdings.release(holder))
  }
}
