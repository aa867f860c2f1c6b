import type { Contract, Procedure } from '@sotto/contract'
import type { z } from 'zod'

/** What the client needs to know about an operation at run time. */
export interface Operation {
  readonly kind: 'query' | 'mutation'
  /** Whether a call can be repeated if it is unknown whether the first one was carried out. */
  readonly idempotent: boolean
  /** Whether it returns pages. */
  readonly list: boolean
}

export type InputOf<P extends Procedure> = z.input<P['input']>
export type OutputOf<P extends Procedure> = z.output<P['output']>

/** The item type of a list. Never for operations that are not lists. */
export type ItemOf<P extends Procedure> =
  OutputOf<P> extends { items: (infer Item)[]; nextCursor: string | null } ? Item : never

type Call = Procedure<'query' | 'mutation'>
type CallsOf<Table> = {
  [Name in keyof Table]: Table[Name] extends { kind: 'subscription' } ? never : Name
}[keyof Table]

/** One entry for every operation of the contract except subscriptions, which are handled separately. */
export type OperationsOf = {
  readonly [Resource in keyof Contract]: {
    readonly [Name in CallsOf<Contract[Resource]>]: Contract[Resource][Name] extends infer P extends Call
      ? {
          readonly kind: P['kind']
          readonly idempotent: P['idempotent']
          readonly list: [ItemOf<P>] extends [never] ? false : true
        }
      : never
  }
}
