import type { Procedure } from '@sotto/contract'
import type { CallContext } from './links.ts'
import type { List } from './list.ts'
import type { InputOf, ItemOf, OutputOf } from './operation.ts'
import type { Operations } from './operations.ts'

export interface CallOptions extends Pick<CallContext, 'requestId'> {
  /** Aborts the call, which then throws the signal's reason. The server may still carry out the request. */
  signal?: AbortSignal | undefined
  /** Used instead of the client's `timeoutMs`. For a list, applies to each page. */
  timeoutMs?: number | undefined
}

type Arguments<Input> =
  Record<never, never> extends Input
    ? [input?: Input, options?: CallOptions]
    : [input: Input, options?: CallOptions]

type Method<P extends Procedure> = [ItemOf<P>] extends [never]
  ? (...args: Arguments<InputOf<P>>) => Promise<OutputOf<P>>
  : (...args: Arguments<InputOf<P>>) => List<ItemOf<P>>

export type Resources = {
  [Resource in keyof Operations]: {
    [Name in keyof Operations[Resource]]: Operations[Resource][Name] extends infer P extends Procedure
      ? Method<P>
      : never
  }
}
