import { TRPCError } from '@trpc/server'
import type { App, Context } from '../context.ts'
import { toSottoError } from '../errors.ts'
import type { AnsweredCall } from './metrics.ts'

/** Failures that were told already: tRPC hands each to whoever made the call, and to its `onError` afterwards. */
const reported = new WeakSet<object>()

/** Carries out a call, and tells what came of it, and how long it took. */
export async function measure<Result>(
  { app, transport }: Pick<Context, 'app' | 'transport'>,
  operation: string,
  call: () => Promise<Result>,
): Promise<Result> {
  const startedAt = performance.now()
  try {
    const result = await call()
    app.metrics.answered({ operation, transport, code: 'ok', seconds: secondsSince(startedAt) })
    return result
  } catch (error) {
    reportFailure(app, { operation, transport, seconds: secondsSince(startedAt) }, error)
    throw error
  }
}

/** Tells of a call that failed, once for each failure. */
export function reportFailure(app: App, call: Omit<AnsweredCall, 'code'>, error: unknown): void {
  // What tRPC wraps once the call is over is what it was before.
  const failure = error instanceof TRPCError && error.cause ? error.cause : error
  if (typeof failure === 'object' && failure !== null) {
    if (reported.has(failure)) return
    reported.add(failure)
  }
  app.metrics.answered({ ...call, code: toSottoError(error).code })
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000
}
