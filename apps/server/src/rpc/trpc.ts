import type { ErrorShape, Procedure } from '@sotto/contract'
import { initTRPC } from '@trpc/server'
import { type Context, withCaller } from '../app/context.ts'
import { admit } from '../auth/gate.ts'
import { toSottoError } from '../lib/errors.ts'
import { jsonSizeOf } from '../lib/json-size.ts'
import { measure } from '../metrics/reported-calls.ts'
import { transformer } from './transformer.ts'

/** How often a silent stream shows that it lives, in milliseconds. */
export const HEARTBEAT_MS = 10_000

const t = initTRPC
  .context<Context>()
  .meta<Procedure>()
  .create({
    transformer,
    isDev: false,
    sse: {
      ping: { enabled: true, intervalMs: HEARTBEAT_MS },
      client: { reconnectAfterInactivityMs: 3 * HEARTBEAT_MS },
    },
    errorFormatter({ shape, error, ctx }): ErrorShape {
      const { code, message, status, retryable, issues, requestId, retryAfterMs } = toSottoError(error)
      return {
        message,
        code: shape.code,
        data: {
          code,
          httpStatus: status,
          retryable,
          requestId: ctx?.requestId ?? requestId ?? '',
          issues,
          ...(retryAfterMs !== undefined && { retryAfterMs }),
        },
      }
    },
  })

export const { router } = t

/**
 * What every procedure is made from. A connection can outlive the credentials it was opened with, so each call
 * authenticates again.
 */
export const procedure = t.procedure.use(({ ctx, meta, path, type, next }) => {
  async function call() {
    const current = ctx.reauthenticate ? withCaller(ctx, await ctx.reauthenticate()) : ctx
    // Every procedure is made from an entry of the contract (router.ts).
    const result = await next({ ctx: meta ? await admit(current, meta) : current })
    if (!result.ok) throw result.error
    // Calls of a batch wait for each other. A mutation's answer is short, and the change has been made.
    if (type === 'query') ctx.holdAnswer?.(jsonSizeOf(result.data))
    return result
  }
  // A subscription's outcome shows only when it is read: it is measured where it is opened.
  return type === 'subscription' ? call() : measure(ctx, path, call)
})
