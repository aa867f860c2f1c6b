import type { Contract, Procedure } from '@sotto/contract'
import type { z } from 'zod'

/** What the client has to know of an operation at run time. */
export interface Operation {
  readonly kind: Procedure['kind']
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

/** One entry for every operation of the contract, and no other. */
export type OperationsOf = {
  readonly [Resource in keyof Contract]: {
    readonly [Name in keyof Contract[Resource]]: Contract[Resource][Name] extends infer P extends Procedure
      ? {
          readonly kind: P['kind']
          readonly idempotent: P['idempotent']
          readonly list: [ItemOf<P>] extends [never] ? false : true
        }
      : never
  }
}
