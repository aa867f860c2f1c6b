import { TRPCError } from '@trpc/server'
import { type CallOperation, isStream, operations } from '../app/operations.ts'
import { transformer } from './transformer.ts'

/** The maximum number of calls in one tRPC request. */
export const MAX_BATCH_SIZE = 20

/** The parts of an HTTP request that say which calls it makes. */
export interface RpcRequest {
  method: string
  /** The part of the URL after `/trpc/`. */
  path: string
  batch: string | undefined
  contentType: string | undefined
  trpcAccept: string | undefined
  accept: string | undefined
}

/** The calls of a request. */
export interface RpcCalls {
  /** The names of the operations, in the request's order. */
  names: readonly string[]
  isBatch: boolean
  /** Whether each result is sent once it is known, as a line of JSON. */
  isStreamed: boolean
}

const byName = new Map(operations.map((operation) => [operation.name, operation]))

/**
 * Reads which calls a request makes. The checks, their order and their messages are those of tRPC's adapters.
 *
 * @returns an error if the request is rejected as a whole.
 */
export function readCalls(request: RpcRequest): RpcCalls | TRPCError {
  const { method, contentType } = request
  const path = decode(request.path)
  if (path === undefined) return badRequest(`Invalid URL-encoding in path "${request.path}"`)
  // Only JSON has a parser.
  if (contentType === undefined && method !== 'GET') {
    return new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message: 'Missing content-type header' })
  }
  const isBatch = request.batch === '1'
  const names = isBatch ? path.split(',', MAX_BATCH_SIZE + 1) : [path]
  if (names.length > MAX_BATCH_SIZE) return badRequest('Batch call exceeds maximum size')
  const kinds = new Set(names.flatMap((name) => byName.get(name)?.entry.kind ?? []))
  if (kinds.size > 1) return badRequest(`Cannot mix procedure types in call: ${[...kinds].join(', ')}`)
  const isStreamed = acceptsLines(request)
  if (isStreamed && !isBatch) {
    return badRequest('Streaming requests must be batched (you can do a batch of 1)')
  }
  return { names, isBatch, isStreamed }
}

/** tRPC decodes the path once more than the router. */
function decode(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function acceptsLines({ trpcAccept, accept }: RpcRequest): boolean {
  if (trpcAccept !== undefined) return trpcAccept === 'application/jsonl'
  return accept?.split(',').some((type) => type.trim() === 'application/jsonl') ?? false
}

/** Whether a request opens a stream, which tRPC's adapter serves. */
export function opensStream({ names: [name = ''], isBatch }: RpcCalls): boolean {
  return !isBatch && byName.get(name)?.entry.kind === 'subscription'
}

const methods = { query: 'GET', mutation: 'POST', subscription: 'GET' } as const

/** Why a call does not reach an operation. */
interface Unreached {
  error: TRPCError
  /** The method of the operation, if the method is the reason. */
  allow?: string
}

/** The operation that a call reaches. */
export function findOperation(name: string, method: string): CallOperation | Unreached {
  const operation = byName.get(name)
  if (!operation) {
    return { error: new TRPCError({ code: 'NOT_FOUND', message: `No procedure found on path "${name}"` }) }
  }
  const { kind } = operation.entry
  if (method !== methods[kind]) {
    const message = `Unsupported ${method}-request to ${kind} procedure at path "${name}"`
    return { error: new TRPCError({ code: 'METHOD_NOT_SUPPORTED', message }), allow: methods[kind] }
  }
  if (isStream(operation)) return { error: badRequest('Cannot batch subscription calls') }
  return operation
}

/**
 * The number of calls that no operation receives, so that none is charged for them; 1 for a request that is rejected as
 * a whole.
 */
export function countUnreached(calls: RpcCalls | TRPCError, method: string): number {
  // tRPC answers HEAD without reading the calls.
  const methodOfCalls = method === 'HEAD' ? 'GET' : method
  if (calls instanceof TRPCError) return 1
  if (opensStream(calls)) return methodOfCalls === methods.subscription ? 0 : 1
  return calls.names.filter((name) => 'error' in findOperation(name, methodOfCalls)).length
}

/**
 * Returns a function that reads the input of the call at an index. It reads all inputs when it is first called: the gate
 * must have charged a call by then.
 *
 * @param text returns the inputs as they were sent; empty or undefined without inputs.
 */
export function inputReader(calls: RpcCalls, text: () => string | undefined): (index: number) => unknown {
  let inputs: readonly unknown[] | TRPCError | undefined
  return (index) => {
    inputs ??= readInputs(calls, text)
    // As in tRPC, if one input of a batch cannot be read, none is.
    if (inputs instanceof TRPCError) throw inputs
    return inputs[index]
  }
}

function readInputs(
  { names, isBatch }: RpcCalls,
  text: () => string | undefined,
): readonly unknown[] | TRPCError {
  const { deserialize } = transformer.input
  try {
    const json = text()
    if (!json) return []
    const inputs: unknown = JSON.parse(json)
    if (!isBatch) return [deserialize(inputs as Payload)]
    if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) {
      return badRequest('"input" needs to be an object when doing a batch call')
    }
    const byIndex = inputs as Record<number, Payload | undefined>
    return names.map((_, index) => byIndex[index] && deserialize(byIndex[index]))
  } catch (cause) {
    return new TRPCError({
      code: 'BAD_REQUEST',
      message: cause instanceof Error ? cause.message : 'Invalid input',
      cause,
    })
  }
}

type Payload = Parameters<typeof transformer.input.deserialize>[0]

function badRequest(message: string): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message })
}
