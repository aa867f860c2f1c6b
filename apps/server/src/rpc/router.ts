import { type CallOperation, isStream, type Operation, operations } from '../app/operations.ts'
import { eventGenerator } from './event-generator.ts'
import { procedure, router } from './trpc.ts'

/**
 * The tRPC router, created from the table of operations. Its type for clients is `AppRouter`, which the contract
 * derives from the same entries.
 */
export const appRouter = router(
  Object.fromEntries(
    [...Map.groupBy(operations, resourceOf)].map(([resource, all]) => [
      resource,
      router(Object.fromEntries(all.map((operation) => [nameIn(operation), toProcedure(operation)]))),
    ]),
  ),
)

const kinds = new Map<string, Operation['entry']['kind']>(
  operations.map(({ name, entry }) => [name, entry.kind]),
)

/** Whether the router has a procedure of this path and kind. */
export function isProcedure(path: string, kind: string): boolean {
  return kinds.get(path) === kind
}

function resourceOf({ name }: Operation): string {
  return name.slice(0, name.indexOf('.'))
}

function nameIn({ name }: Operation): string {
  return name.slice(name.indexOf('.') + 1)
}

function toProcedure(operation: Operation) {
  if (!isStream(operation)) return toCall(operation)
  const { entry, name, run } = operation
  // Without an output schema: events are created with the contract's types, so they are not parsed again.
  return procedure
    .meta(entry)
    .input(entry.input)
    .subscription(({ ctx, input, signal }) =>
      eventGenerator({ ctx, name, signal, open: () => run(ctx, input) }),
    )
}

function toCall({ entry, run }: CallOperation) {
  const typed = procedure.meta(entry).input(entry.input).output(entry.output)
  return entry.kind === 'query'
    ? typed.query(({ ctx, input }) => run(ctx, input))
    : typed.mutation(({ ctx, input }) => run(ctx, input))
}
