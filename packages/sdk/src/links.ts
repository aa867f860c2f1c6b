import type { AppRouter } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { Operation as Call, OperationLink, OperationResultEnvelope, TRPCLink } from '@trpc/client'
import { httpLink, TRPCClientError } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import superjson from 'superjson'
import type { ClientOptions } from './connection.ts'
import { baseOf, callerHeaders } from './connection.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { createOutbox } from './outbox.ts'
import { randomId } from './random-id.ts'
import { answersOf, sottoErrorOf } from './transport.ts'
import { abortable, jitter, LONGEST_TIMER_MS, sleep } from './waiting.ts'

/** What the links read from the context of one call. */
export interface CallContext {
  /** Instead of the client's own `timeoutMs`. */
  timeoutMs?: number | undefined
  /** The user that a service key acts for: a username or an id. */
  actAs?: string | undefined
  /** What the server is to call the request, in its log and in errors: 1 to 128 of `a-z A-Z 0-9 . : _ -`. */
  requestId?: string | undefined
}

/**
 * A tRPC link, for `createTRPCClient` to take. Not tRPC's own type, which names types that only a browser has and
 * so would keep a program for Node alone from compiling.
 */
// biome-ignore lint/suspicious/noExplicitAny: what goes in and out is between tRPC and this link.
export type Link = (runtime: object) => (call: any) => any

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_RETRIES = 3

/** The longest wait before the first repeat, and how far doubling takes it. */
const FIRST_BACKOFF_MS = 200
const LONGEST_BACKOFF_MS = 5_000

/**
 * Answers are superjson. Inputs are plain JSON, which is superjson without annotations: the contract takes times
 * as strings too, and the server refuses what superjson notes when an object is in an input twice.
 */
const transformer = {
  input: { serialize: (json: unknown) => ({ json }), deserialize: superjson.deserialize },
  output: superjson,
}

type Envelope = OperationResultEnvelope<unknown, TRPCClientError<AppRouter>>
type Next = Parameters<OperationLink<AppRouter>>[0]['next']

/**
 * tRPC links for those who want a plain tRPC client, `createTRPCClient<AppRouter>({ links: links({ url, token }) })`.
 * Calls have the guarantees of `createClient`: a timeout, repeats of what can be repeated, one message after the
 * other within a conversation. `context` of a call is a CallContext.
 */
export function links(options: ClientOptions): Link[] {
  const url = `${baseOf(options.url)}/trpc`
  const headers = async ({ op }: { op: Call }) => {
    const { actAs, requestId }: CallContext = op.context
    const headers = await callerHeaders(options, actAs)
    if (requestId !== undefined) headers.set('x-request-id', requestId)
    return headers
  }
  return [reliable(options), httpLink({ url, headers, transformer, fetch: answersOf(options.fetch) })]
}

/** Gives every call a deadline, an order where it needs one, and repeats. */
function reliable({
  timeoutMs = DEFAULT_TIMEOUT_MS,
  retries = DEFAULT_RETRIES,
}: ClientOptions): TRPCLink<AppRouter> {
  return () => {
    const inTurn = createOutbox()
    return ({ op, next }) => {
      if (op.type === 'subscription') return next(op)
      return observable((observer) => {
        const deadline = deadlineOf(op, timeoutMs)
        const call: Call = { ...op, input: stamped(op), signal: deadline.signal }
        const run = () => repeat(call, next, retries, deadline)
        const key = outboxKey(call)
        const answer = key === undefined ? run() : inTurn(key, deadline.signal, run)
        answer
          .then(
            (envelope) => {
              observer.next(envelope)
              observer.complete()
            },
            (error) => observer.error(TRPCClientError.from(error)),
          )
          .finally(deadline.clear)
        return () => deadline.abort()
      })
    }
  }
}

/** The call's input; a message gets a clientMessageId, the same for all repeats, so that they make one message. */
function stamped({ path, input }: Call): unknown {
  if (!isSend(path) || !isRecord(input) || input.clientMessageId !== undefined) return input
  return { ...input, clientMessageId: randomId() }
}

/**
 * Calls with the same key go one after the other; undefined is for those that need no order. A conversation that
 * is named in two ways (its id, its other user) is two queues.
 */
function outboxKey({ path, input, context }: Call): string | undefined {
  if (!isSend(path) || !isRecord(input)) return undefined
  const { actAs }: CallContext = context
  const key = [input.from ?? actAs, input.to ?? input.user, input.conversationId]
  return JSON.stringify(key.map((part) => (typeof part === 'string' ? part.toLowerCase() : null)))
}

function isSend(path: string): boolean {
  return path === 'messages.send' || path === 'direct.send'
}

/** Makes the call until it is answered, fails for good, or cannot be answered in time any more. */
async function repeat(call: Call, next: Next, retries: number, deadline: Deadline): Promise<Envelope> {
  const attempts = operationAt(call.path)?.idempotent ? retries + 1 : 1
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(call, next, deadline.signal)
    } catch (error) {
      const failure = sottoErrorOf(error)
      if (deadline.signal.aborted || !failure?.retryable || attempt >= attempts) throw error
      const wait =
        (failure.retryAfterMs ?? 0) +
        jitter(attempt, { firstMs: FIRST_BACKOFF_MS, longestMs: LONGEST_BACKOFF_MS })
      // What went wrong says more than a timeout would.
      if (wait >= deadline.remainingMs()) throw error
      deadline.lastFailure = failure
      await sleep(wait, deadline.signal)
    }
  }
}

async function once(call: Call, next: Next, signal: AbortSignal): Promise<Envelope> {
  signal.throwIfAborted()
  const answer = new Promise<Envelope>((resolve, reject) => {
    next(call).subscribe({ next: resolve, error: reject })
  })
  // A fetch of the caller's own may not heed the signal.
  return await abortable(answer, signal)
}

interface Deadline {
  /** Aborted by the caller, with the caller's reason, or when the time is up, with a SottoError. */
  signal: AbortSignal
  remainingMs: () => number
  /** Why the call is being repeated; told as the cause when the time is up. */
  lastFailure: SottoError | undefined
  abort: () => void
  clear: () => void
}

function deadlineOf({ path, signal, context }: Call, clientTimeoutMs: number): Deadline {
  const { timeoutMs = clientTimeoutMs }: CallContext = context
  const end = performance.now() + timeoutMs
  const controller = new AbortController()
  const byCaller = () => controller.abort(signal?.reason)
  if (signal?.aborted) byCaller()
  signal?.addEventListener('abort', byCaller, { once: true })
  const timer = setTimeout(
    () => {
      const detail = `${path} had no answer within ${timeoutMs} ms`
      controller.abort(new SottoError('UNAVAILABLE', { detail, cause: deadline.lastFailure }))
    },
    Math.min(timeoutMs, LONGEST_TIMER_MS),
  )
  const deadline: Deadline = {
    signal: controller.signal,
    remainingMs: () => end - performance.now(),
    lastFailure: undefined,
    abort: () => controller.abort(),
    clear() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', byCaller)
    },
  }
  return deadline
}

function operationAt(path: string): Operation | undefined {
  const [resource = '', name = ''] = path.split('.')
  const table: Record<string, Record<string, Operation>> = operations
  return table[resource]?.[name]
}

function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null
}
