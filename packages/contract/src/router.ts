import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server'
import type { z } from 'zod'
import type { Contract } from './contract.ts'
import type { ErrorCode, InputIssue } from './errors.ts'
import type { Procedure } from './procedure.ts'

/** What a tRPC client finds in `error.data`. */
export interface ErrorData {
  code: ErrorCode
  httpStatus: number
  retryable: boolean
  requestId: string
  issues: readonly InputIssue[]
  /** How long to wait before trying again, in milliseconds, where the server says so. */
  retryAfterMs?: number
}

export interface ErrorShape {
  message: string
  /** The JSON-RPC number that tRPC gives. Branch on `data.code`. */
  code: number
  data: ErrorData
}

/**
 * The part of a tRPC root that its clients look at. `ctx` and `meta` are the server's own business, and naming
 * them would drag its types into every client.
 */
interface RootTypes {
  // biome-ignore lint/suspicious/noExplicitAny: tRPC's client types take any context; unknown is refused.
  ctx: any
  // biome-ignore lint/suspicious/noExplicitAny: as for ctx.
  meta: any
  errorShape: ErrorShape
  transformer: true
}

/** What a subscription hands over: the event with the cursor to go on after it. */
export interface Tracked<Data> {
  id: string
  data: Data
}

export type RouterProcedure<P extends Procedure> = P extends { kind: 'query' }
  ? TRPCQueryProcedure<{ input: z.input<P['input']>; output: z.output<P['output']>; meta: unknown }>
  : P extends { kind: 'mutation' }
    ? TRPCMutationProcedure<{ input: z.input<P['input']>; output: z.output<P['output']>; meta: unknown }>
    : TRPCSubscriptionProcedure<{
        input: z.input<P['input']>
        // biome-ignore lint/suspicious/noExplicitAny: what tRPC itself infers for a generator of tracked events.
        output: AsyncIterable<Tracked<z.output<P['output']>>, void, any>
        meta: unknown
      }>

export type RouterRecordOf<Table extends Record<string, Record<string, Procedure>>> = {
  [Resource in keyof Table]: { [Name in keyof Table[Resource]]: RouterProcedure<Table[Resource][Name]> }
}

/** The type of the server's tRPC router, made from the contract alone. */
export type AppRouter = TRPCBuiltRouter<RootTypes, RouterRecordOf<Contract>>
