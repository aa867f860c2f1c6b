import type { ErrorShape, Procedure } from '@sotto/contract'
import { initTRPC } from '@trpc/server'
import type { z } from 'zod'
import type { Context } from '../context.ts'
import { toSottoError } from '../errors.ts'
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
      const { code, message, status, retryable, issues, requestId } = toSottoError(error)
      return {
        message,
        code: shape.code,
        data: { code, httpStatus: status, retryable, requestId: ctx?.requestId ?? requestId ?? '', issues },
      }
    },
  })

export const { router } = t

/** A connection outlives what its token was worth when it opened: each call asks again. */
const asCaller = t.procedure.use(async ({ ctx, next }) =>
  next({ ctx: ctx.reauthenticate ? { ...ctx, caller: await ctx.reauthenticate() } : ctx }),
)

/** A procedure as the contract has it, waiting for its `.query` or `.mutation`. */
export function procedure<Input extends z.ZodType, Output extends z.ZodType>(
  entry: Procedure<'query' | 'mutation', Input, Output>,
) {
  return asCaller.meta(entry).input(entry.input).output(entry.output)
}

/** A subscription as the contract has it. What it yields is made from the contract's type, not parsed again. */
export function subscription<Input extends z.ZodType, Output extends z.ZodType>(
  entry: Procedure<'subscription', Input, Output>,
) {
  return asCaller.meta(entry).input(entry.input)
}
