import type { SottoError } from '@sotto/contract'
import { TRPCError } from '@trpc/server'
import type { Runtime } from '../app/runtime.ts'
import { toSottoError } from '../lib/errors.ts'
import { logFailure } from '../lib/log.ts'
import type { FinishedCall, Transport } from './metrics.ts'

type Reporter = Pick<Runtime, 'log' | 'metrics' | 'tracing'>

interface Call {
  readonly app: Reporter
  readonly transport: Transport
  readonly requestId: string
}

/** Failures already reported: tRPC passes each to the middleware first, and then to `onError`. */
const reported = new WeakSet<object>()

/** Runs a call in a span, and reports its outcome and duration. */
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
      app.metrics.callFinished({ operation, transport, code: 'ok', seconds: secondsSince(startedAt) })
      span.end('ok')
      return result
    } catch (error) {
      const about = { operation, transport, requestId, seconds: secondsSince(startedAt) }
      span.end(reportFailure(app, about, error).code)
      throw error
    }
  })
}

interface FailedCall extends Omit<FinishedCall, 'code'> {
  requestId: string
}

/** Reports a failed call, once per failure, and logs it if the server is at fault. */
export function reportFailure(app: Reporter, { requestId, ...call }: FailedCall, error: unknown): SottoError {
  const known = toSottoError(error)
  // tRPC wraps the error after the call; its cause is the one already reported.
  const failure = error instanceof TRPCError && error.cause ? error.cause : error
  if (typeof failure === 'object' && failure !== null) {
    if (reported.has(failure)) return known
    reported.add(failure)
  }
  logFailure(app.log, known, requestId)
  app.metrics.callFinished({ ...call, code: known.code })
  return known
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000
}
