import { AsyncLocalStorage } from 'node:async_hooks'
import type { ErrorShape, Procedure } from '@sotto/contract'
import { initTRPC } from '@trpc/server'
import { type Context, withCaller } from '../app/context.ts'
import { admit } from '../auth/gate.ts'
import { measure } from '../metrics/reported-calls.ts'
import { toErrorShape } from './error-shape.ts'
import { transformer } from './transformer.ts'

/** How often an idle stream sends a heartbeat, in milliseconds. */
export const HEARTBEAT_MS = 10_000

/** The id of the request that opens a stream, for errors without a context, such as rejected credentials. */
export const requestIds = new AsyncLocalStorage<string>()

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
    errorFormatter: ({ error, ctx }): ErrorShape =>
      toErrorShape(error, ctx?.requestId ?? requestIds.getStore() ?? ''),
  })

export const { router } = t

/**
 * The base of every procedure. Each call authenticates again, because a connection can outlive the credentials it was
 * opened with.
 */
export const procedure = t.procedure.use(({ ctx, meta, path, type, next }) => {
  async function call() {
    const current = ctx.reauthenticate ? withCaller(ctx, await ctx.reauthenticate()) : ctx
    // The router sets the contract's entry as `meta` of every procedure.
    const result = await next({ ctx: meta ? await admit(current, meta) : current })
    if (!result.ok) throw result.error
    return result
  }
  // Subscriptions are measured in eventGenerator, because they only run when they are read.
  return type === 'subscription' ? call() : measure(ctx, path, call)
})
