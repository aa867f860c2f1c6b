import type { Procedure } from '@sotto/contract'
import type { z } from 'zod'
import { operationNames } from './operations.ts'

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

/** In the order of `operationNames`. */
const operationGroups: readonly Operation[] = [
  { kind: 'query', idempotent: true, list: true },
  { kind: 'query', idempotent: true, list: false },
  { kind: 'mutation', idempotent: true, list: false },
  { kind: 'mutation', idempotent: false, list: false },
]

/** Every operation by its path, such as `messages.send`. */
export const operations: ReadonlyMap<string, Operation> = mapOperations()

function mapOperations(): Map<string, Operation> {
  const operations = new Map<string, Operation>()
  for (const [resource, groups] of Object.entries(operationNames)) {
    groups.forEach((names, index) => {
      const operation = operationGroups[index]
      // The names of an empty group are one empty string.
      for (const name of names.split(' '))
        if (name && operation) operations.set(`${resource}.${name}`, operation)
    })
  }
  return operations
}
