import type { AppRouter } from '@sotto/contract'
import { foldUserRef, SottoError } from '@sotto/contract'
import type {
  Operation as Call,
  OperationLink,
  OperationResultEnvelope,
  TRPCClientError,
  TRPCLink,
} from '@trpc/client'
import type { Authorization } from './authorization.ts'
import { authorizationOf } from './authorization.ts'
import type { ClientOptions, RequestUser } from './connection.ts'
import { baseOf, callerHeaders, fetchOf } from './connection.ts'
import { httpLink, observable } from './http-link.ts'
import { operations } from './operation.ts'
import { createOutbox } from './outbox.ts'
import { randomId } from './random-id.ts'
import { abortWith, follow, throwIfAborted } from './runtime-gaps.ts'
import { decodeSuperjson } from './superjson-dates.ts'
import { sottoErrorOf, sottoFetch } from './transport.ts'
import { abortable, jitter, sleep, startTimer } from './waiting.ts'

/** The context of a call that the links use. */
export interface CallContext extends RequestUser {
  /** Used instead of the client's `timeoutMs`. */
  timeoutMs?: number | undefined
  /** An id for the request in the server's log and in errors: 1 to 128 of `a-z A-Z 0-9 . : _ -`. */
  requestId?: string | undefined
}

interface AttemptContext extends CallContext {
  /** The header of this attempt. */
  authorization?: string | undefined
}

/**
 * A tRPC link for `createTRPCClient`. Not tRPC's own type, which refers to browser types and so does not compile in a
 * Node-only program.
 */
// biome-ignore lint/suspicious/noExplicitAny: the types are internal to tRPC and this link.
export type Link = (runtime: object) => (call: any) => any

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_RETRIES = 3

/** The longest wait before the first retry, and the limit for doubling it. */
const FIRST_BACKOFF_MS = 200
const LONGEST_BACKOFF_MS = 5_000

/**
 * Outputs are superjson. Inputs are plain JSON, which is superjson without annotations: the contract also accepts times
 * as strings, and the server rejects superjson's annotations for objects that occur twice in an input.
 */
const transformer = {
  input: { serialize: (json: unknown) => ({ json }), deserialize: decodeSuperjson },
  output: { serialize: (json: unknown) => ({ json }), deserialize: decodeSuperjson },
}

type Envelope = OperationResultEnvelope<unknown, TRPCClientError<AppRouter>>
type Next = Parameters<OperationLink<AppRouter>>[0]['next']

/**
 * tRPC links for a plain tRPC client: `createTRPCClient<AppRouter>({ links: links({ url, token }) })`. Calls have the
 * guarantees of `createClient`: a timeout, retries if safe, and ordered sends per conversation. The `context` of a call
 * is a CallContext.
 */
export function links(options: ClientOptions): Link[] {
  return linksWith(options, authorizationOf(options))
}

function linksWith(options: ClientOptions, authorization: Authorization): Link[] {
  const url = `${baseOf(options.url)}/trpc`
  const headers = ({ op }: { op: Call }) => {
    const { requestId, authorization, ...user }: AttemptContext = op.context
    const headers = callerHeaders(authorization, user)
    if (requestId !== undefined) headers.set('x-request-id', requestId)
    return headers
  }
  const reliable = reliableLink(options, authorization)
  return [reliable, httpLink({ url, headers, transformer, fetch: sottoFetch(fetchOf(options)) })]
}

/** A call without what its path determines. */
export interface PathCall extends Pick<Call, 'path' | 'type' | 'input'> {
  context: CallContext
  signal: AbortSignal | undefined
}

/** The same calls without a tRPC client, which would be an eighth of a small program. */
export function createCaller(
  options: ClientOptions,
  authorization: Authorization,
): (call: PathCall) => Promise<unknown> {
  const [first, last] = linksWith(options, authorization).map((link) => link({}))
  let id = 0
  return ({ context, signal = null, ...call }) =>
    new Promise((resolve, reject) => {
      id += 1
      first?.({
        op: { ...call, id, context: { ...context }, signal },
        next: (op: Call) => last?.({ op }),
      }).subscribe({
        next: ({ result }: Envelope) => resolve('data' in result ? result.data : undefined),
        error: reject,
      })
    })
}

/** Gives every call a deadline, retries and, for sends, an order. */
function reliableLink(
  { timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES }: ClientOptions,
  authorization: Authorization,
): TRPCLink<AppRouter> {
  return () => {
    const inTurn = createOutbox()
    return ({ op, next }) => {
      if (op.type === 'subscription') return next(op)
      return observable((observer) => {
        const deadline = deadlineOf(op, timeoutMs)
        const call: Call = { ...op, input: withClientId(op), signal: deadline.signal }
        const run = () => retry(call, next, { retries, authorization, deadline })
        const key = outboxKey(call)
        const result = key === undefined ? run() : inTurn(key, deadline.signal, run)
        result
          .then(
            (envelope) => {
              observer.next(envelope)
              observer.complete()
            },
            // A tRPC client wraps what is not its own error.
            (error) => observer.error(error),
          )
          .finally(deadline.clear)
        return () => deadline.abort()
      })
    }
  }
}

/** Adds an id to messages and new groups. It is the same for all retries, so they create one message or group. */
function withClientId({ path, input }: Call): unknown {
  const field = isSend(path)
    ? 'clientMessageId'
    : path === 'conversations.create'
      ? 'clientConversationId'
      : undefined
  if (field === undefined || !isRecord(input) || input[field] !== undefined) return input
  return { ...input, [field]: randomId() }
}

/**
 * Calls with the same key run one at a time. Undefined for calls that need no order. A conversation addressed in two
 * ways (by its id and by the other user) has two queues.
 */
function outboxKey({ path, input, context }: Call): string | undefined {
  if (!isSend(path) || !isRecord(input)) return undefined
  const { actAs }: CallContext = context
  const key = [input.from ?? actAs, input.to ?? input.user, input.conversationId]
  return JSON.stringify(key.map((part) => (typeof part === 'string' ? foldUserRef(part) : null)))
}

function isSend(path: string): boolean {
  return path === 'messages.send' || path === 'direct.send'
}

interface RetryOptions {
  retries: number
  authorization: Authorization
  deadline: Deadline
}

/**
 * Repeats the call until it succeeds, fails permanently, or cannot finish in time. A call whose token was rejected is
 * repeated once with another one.
 */
async function retry(
  call: Call,
  next: Next,
  { retries, authorization, deadline }: RetryOptions,
): Promise<Envelope> {
  let attempts = operations.get(call.path)?.idempotent ? retries + 1 : 1
  let rejection: { error: unknown; header: string | undefined } | undefined
  for (let attempt = 1; ; attempt += 1) {
    const limitMs = attempt < attempts ? attemptMs(call, deadline) : undefined
    const startedAt = performance.now()
    let header: string | undefined
    try {
      header = await abortable(authorization.current(), deadline.signal)
      if (rejection && rejection.header === header) throw rejection.error
      const context: AttemptContext = { ...call.context, authorization: header }
      return await once({ ...call, context: { ...context } }, next, deadline.signal, limitMs)
    } catch (error) {
      const failure = sottoErrorOf(error)
      if (deadline.signal.aborted) throw error
      if (
        failure?.code === 'UNAUTHENTICATED' &&
        !rejection &&
        isAboutToken(call) &&
        authorization.refuse(header)
      ) {
        rejection = { error, header }
        attempts += 1
        continue
      }
      if (!failure?.retryable || attempt >= attempts) throw error
      // A hanging attempt was a long enough wait.
      const hasHung = performance.now() - startedAt >= (limitMs ?? Number.POSITIVE_INFINITY)
      const backoff = { firstMs: hasHung ? 0 : FIRST_BACKOFF_MS, longestMs: LONGEST_BACKOFF_MS }
      const wait = (failure.retryAfterMs ?? 0) + jitter(attempt, backoff)
      // The error is more informative than a timeout.
      if (wait >= deadline.remainingMs()) throw error
      deadline.lastFailure = failure
      await sleep(wait, deadline.signal)
    }
  }
}

/** Whether UNAUTHENTICATED means that the token is not valid. Signing in with a wrong password must not be repeated. */
function isAboutToken({ path }: Call): boolean {
  return path !== 'sessions.create'
}

/** @param limitMs how long the attempt may take. Undefined to wait until the deadline. */
async function once(
  call: Call,
  next: Next,
  deadline: AbortSignal,
  limitMs: number | undefined,
): Promise<Envelope> {
  throwIfAborted(deadline)
  const controller = new AbortController()
  const { signal } = controller
  const unfollow = follow(controller, deadline)
  const timer = startTimer(limitMs, () => {
    const detail = `${call.path} got no response in ${limitMs} ms`
    // This also closes the connection, so that the next attempt does not wait for it.
    abortWith(controller, new SottoError('UNAVAILABLE', { detail }))
  })
  const result = new Promise<Envelope>((resolve, reject) => {
    next({ ...call, signal }).subscribe({ next: resolve, error: reject })
  })
  try {
    // A custom fetch may ignore the signal.
    return await abortable(result, signal)
  } finally {
    clearTimeout(timer)
    unfollow()
  }
}

/** How long an attempt may take if another one can follow it: half of what remains, and all of a long poll's wait. */
function attemptMs({ input }: Call, deadline: Deadline): number {
  const waitMs = isRecord(input) && typeof input.wait === 'number' ? input.wait * 1_000 : 0
  return Math.round((deadline.remainingMs() + waitMs) / 2)
}

interface Deadline {
  /** Aborted by the caller with the caller's reason, or at the deadline with a SottoError. */
  signal: AbortSignal
  remainingMs: () => number
  /** Why the call is being retried. Becomes the cause of a timeout. */
  lastFailure: SottoError | undefined
  abort: () => void
  clear: () => void
}

function deadlineOf({ path, signal, context }: Call, clientTimeoutMs: number): Deadline {
  const { timeoutMs = clientTimeoutMs }: CallContext = context
  const end = performance.now() + timeoutMs
  const controller = new AbortController()
  const unfollow = follow(controller, signal ?? undefined)
  const timer = startTimer(timeoutMs, () => {
    const detail = `${path} timed out after ${timeoutMs} ms`
    abortWith(controller, new SottoError('UNAVAILABLE', { detail, cause: deadline.lastFailure }))
  })
  const deadline: Deadline = {
    signal: controller.signal,
    remainingMs: () => end - performance.now(),
    lastFailure: undefined,
    abort: () => controller.abort(),
    clear() {
      clearTimeout(timer)
      unfollow()
    },
  }
  return deadline
}

function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null
}
