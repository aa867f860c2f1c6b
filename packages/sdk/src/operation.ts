import type { Contract, Procedure } from '@sotto/contract'
import type { z } from 'zod'

/** What the client has to know of an operation at run time. */
export interface Operation {
  readonly kind: 'query' | 'mutation'
  /** Whether a call can be made again when it is not known if the first was carried out. */
  readonly idempotent: boolean
  /** Whether it answers pages. */
  readonly list: boolean
}

export type InputOf<P extends Procedure> = z.input<P['input']>
export type OutputOf<P extends Procedure> = z.output<P['output']>

/** The item of a list's pages; never for an operation that is no list. */
export type ItemOf<P extends Procedure> =
  OutputOf<P> extends { items: (infer Item)[]; nextCursor: string | null } ? Item : never

type Call = Procedure<'query' | 'mutation'>
type CallsOf<Table> = {
  [Name in keyof Table]: Table[Name] extends { kind: 'subscription' } ? never : Name
}[keyof Table]

/** One entry for every operation of the contract that is called and answers, and no other: streams have their own way. */
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
