import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { limitOf, type Procedure, SottoError } from '@sotto/contract'
import type { Context } from '../app/context.ts'
import { Turns } from '../lib/turns.ts'
import type { Quota } from '../limits/buckets.ts'
import { Holdings } from '../limits/holdings.ts'

/** The maximum number of concurrent exports per user. Each one reads as fast as its client does. */
const MAX_EXPORTS_PER_USER = 3
/** Exports take seconds. */
const RETRY_AFTER_MS = 5_000

/** Whole lists that are being sent, page by page. */
export class ExportsInProgress {
  readonly #byUser = new Holdings(MAX_EXPORTS_PER_USER)
  readonly #turns = new Turns()

  /**
   * Counts an export until its response has been sent or its connection is closed. Service keys are not limited: they
   * belong to your back end.
   *
   * @returns must be called and awaited before each page.
   * @throws {SottoError} RATE_LIMITED
   */
  begin(ctx: Context, entry: Procedure, response: ServerResponse): () => Promise<void> {
    const { caller } = ctx
    if (caller.kind === 'user' && !response.destroyed) {
      const userId = caller.actor.id
      if (!this.#byUser.take(userId)) {
        throw new SottoError('RATE_LIMITED', {
          detail: `a user can have at most ${MAX_EXPORTS_PER_USER} exports in progress`,
          retryAfterMs: RETRY_AFTER_MS,
        })
      }
      response.once('close', () => this.#byUser.release(userId))
    }
    const signal = ctx.disconnected?.()
    let isFirst = true
    return async () => {
      // The gate has charged the first page.
      if (!isFirst) await chargePage(ctx, entry, signal)
      isFirst = false
      await this.#turns.next()
    }
  }
}

/** Charges a page like a call. Slows down instead of failing, and leaves half of the limit to the caller's other calls. */
async function chargePage(
  { app, caller, address }: Context,
  entry: Procedure,
  signal: AbortSignal | undefined,
): Promise<void> {
  let quota: Quota | undefined
  const origin = {
    address,
    onQuota(tightest: Quota) {
      quota = tightest
    },
  }
  for (;;) {
    try {
      await app.limits.charge(limitOf(entry), caller, origin)
      break
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'RATE_LIMITED') throw error
      await sleep(error.retryAfterMs ?? RETRY_AFTER_MS, undefined, { signal })
    }
  }
  if (quota && quota.remaining < quota.policy.count / 2) await sleep(quota.nextMs, undefined, { signal })
}
