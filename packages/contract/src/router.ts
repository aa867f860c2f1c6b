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

/** `error.data` in a tRPC client. */
export interface ErrorData {
  code: ErrorCode
  httpStatus: number
  retryable: boolean
  requestId: string
  issues: readonly InputIssue[]
  /** How long to wait before retrying, in milliseconds, if the server specifies it. */
  retryAfterMs?: number
}

export interface ErrorShape {
  message: string
  /** The JSON-RPC error number from tRPC. Branch on `data.code`. */
  code: number
  data: ErrorData
}

/**
 * The part of a tRPC root that clients use. Exact types of `ctx` and `meta` would pull the server's types into every
 * client.
 */
interface RootTypes {
  // biome-ignore lint/suspicious/noExplicitAny: tRPC's client types do not accept unknown here.
  ctx: any
  // biome-ignore lint/suspicious/noExplicitAny: same as ctx.
  meta: any
  errorShape: ErrorShape
  transformer: true
}

/** What a subscription yields: an event and the cursor to resume after it. */
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
        output: AsyncIterable<Tracked<z.output<P['output']>>>
        meta: unknown
      }>

export type RouterRecordOf<Table extends Record<string, Record<string, Procedure>>> = {
  [Resource in keyof Table]: { [Name in keyof Table[Resource]]: RouterProcedure<Table[Resource][Name]> }
}

/** The type of the server's tRPC router, derived from the contract. */
export type AppRouter = TRPCBuiltRouter<RootTypes, RouterRecordOf<Contract>>
