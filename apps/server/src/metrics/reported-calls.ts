import type { SottoError } from '@sotto/contract'
import { TRPCError } from '@trpc/server'
import type { Runtime } from '../app/runtime.ts'
import { toSottoError } from '../lib/errors.ts'
import { logFailure } from '../lib/log.ts'
import type { AnsweredCall, Transport } from './metrics.ts'

type Reporter = Pick<Runtime, 'log' | 'metrics' | 'tracing'>

interface Call {
  readonly app: Reporter
  readonly transport: Transport
  readonly requestId: string
}

/** Failures that were told already: tRPC hands each to whoever made the call, and to its `onError` afterwards. */
const reported = new WeakSet<object>()

/** Carries out a call, and tells what came of it, and how long it took. */
export async function measure<Result>(
  { app, transport, requestId }: Call,
  operation: string,
  call: () => Promise<Result>,
): Promise<Result> {
  const startedAt = performance.now()
  const span = app.tracing.spanOf({ operation, transport })
  return span.run(async () => {
    try {
      const result = await call()
      app.metrics.answered({ operation, transport, code: 'ok', seconds: secondsSince(startedAt) })
      span.end('ok')
      return result
    } catch (error) {
      const about = { operation, transport, requestId, seconds: secondsSince(startedAt) }
      span.end(reportFailure(app, about, error).code)
      throw error
    }
  })
}

interface FailedCall extends Omit<AnsweredCall, 'code'> {
  requestId: string
}

/** Tells of a call that failed, once for each failure, and logs it where it is no fault of the caller. */
export function reportFailure(app: Reporter, { requestId, ...call }: FailedCall, error: unknown): SottoError {
  const known = toSottoError(error)
  // What tRPC wraps once the call is over is what it was before.
  const failure = error instanceof TRPCError && error.cause ? error.cause : error
  if (typeof failure === 'object' && failure !== null) {
    if (reported.has(failure)) return known
    reported.add(failure)
  }
  logFailure(app.log, known, requestId)
  app.metrics.answered({ ...call, code: known.code })
  return known
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000
}
