import { TRPCError } from '@trpc/server'
import type { Context } from '../app/context.ts'
import { type CallOperation, isStream, operations } from '../app/operations.ts'
import { admit } from '../auth/gate.ts'
import { toInputError } from '../lib/errors.ts'
import { outputEncoder } from '../lib/output-json.ts'
import { measure } from '../metrics/reported-calls.ts'
import type { Output } from './answer.ts'

const encoders = new Map(
  operations.flatMap((operation) =>
    isStream(operation) ? [] : [[operation, outputEncoder(operation.entry.output)] as const],
  ),
)

interface Call {
  operation: CallOperation
  readInput: () => unknown
  /** @throws {SottoError} RATE_LIMITED if too much of what the caller was sent is unread. */
  hold: (bytes: number) => void
}

/** Runs one call: the gate, the input's schema, the use case, the output's schema. */
export function runCall(ctx: Context, { operation, readInput, hold }: Call): Promise<Output> {
  const { entry, name, run } = operation
  return measure(ctx, name, async () => {
    const admitted = await admit(ctx, entry)
    const input = entry.input.safeParse(readInput())
    if (!input.success) throw new TRPCError({ code: 'BAD_REQUEST', cause: toInputError(input.error) })
    const dates: string[] = []
    const json = encoders.get(operation)?.(await run(admitted, input.data), (path) => dates.push(path))
    // A result waits for the other calls of its batch. Mutations are exempt: their responses are short, and rejecting
    // them would not undo the change.
    if (entry.kind === 'query' && json !== undefined) hold(Buffer.byteLength(json))
    return { json, dates }
  })
}
