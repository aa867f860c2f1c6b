import type { ErrorShape, Procedure } from '@sotto/contract'
import { initTRPC } from '@trpc/server'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
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

/** A connection outlives what its token was worth when it opened: each call asks again. */
const asCaller = t.procedure.use(({ ctx, meta, path, type, next }) => {
  async function call() {
    const current = ctx.reauthenticate ? { ...ctx, caller: await ctx.reauthenticate() } : ctx
    // Every procedure is made from an entry of the contract, by the builders below.
    if (meta) await admit(current, meta)
    const result = await next({ ctx: current })
    if (!result.ok) throw result.error
    // Calls of a batch wait for each other. What a change answers is short, and the change has been made.
    if (type === 'query') ctx.holdAnswer?.(jsonSizeOf(result.data))
    return result
  }
  // What comes of a subscription shows only when somebody reads it: it is measured where it is opened.
  return type === 'subscription' ? call() : measure(ctx, path, call)
})

/** What a use case is to its transports. */
export type UseCase<Input = never, Output = unknown> = (ctx: Context, input: Input) => Promise<Output>

interface Implementation {
  entry: Procedure
  run: UseCase
}

/*
 * tRPC works the types of a resolver's input and output out of the same two schemas as UseCase does, but within a
 * generic function the compiler cannot see that: hence `as never` below. Callers see both types in full.
 */
const implementations = new WeakMap<object, Implementation>()

/** A query of the contract, carried out by a use case. */
export function query<Input extends z.ZodType, Output extends z.ZodType>(
  entry: Procedure<'query', Input, Output>,
  run: UseCase<z.output<Input>, z.input<Output>>,
) {
  const procedure = procedureOf(entry).query(({ ctx, input }) => run(ctx, input as never) as never)
  implementations.set(procedure, { entry, run })
  return procedure
}

/** A mutation of the contract, carried out by a use case. */
export function mutation<Input extends z.ZodType, Output extends z.ZodType>(
  entry: Procedure<'mutation', Input, Output>,
  run: UseCase<z.output<Input>, z.input<Output>>,
) {
  const procedure = procedureOf(entry).mutation(({ ctx, input }) => run(ctx, input as never) as never)
  implementations.set(procedure, { entry, run })
  return procedure
}

function procedureOf<Input extends z.ZodType, Output extends z.ZodType>(
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

/** The schemas and the use case of a procedure, for a transport that needs nothing else of tRPC. */
export function implementationOf(procedure: object): Implementation {
  const implementation = implementations.get(procedure)
  if (!implementation) throw new Error('not a procedure of the contract')
  return implementation
}
