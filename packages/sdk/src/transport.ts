import type { AppRouter, ErrorCode, ErrorData, ErrorShape, InputIssue } from '@sotto/contract'
import { isErrorCode, SottoError } from '@sotto/contract'
import { TRPCClientError } from '@trpc/client'

/** What the client needs of `fetch`. The global one will do. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<Response>

/** A response as tRPC's links read it, with what they do not look at. */
interface Answer {
  ok: boolean
  retryAfterMs: number | undefined
  json: () => Promise<unknown>
}

/**
 * `fetch` for tRPC's links that throws a SottoError where there is no answer of a Sotto server's tRPC: no
 * connection, one that broke off, or a page of some proxy.
 */
export function answersOf(fetch: Fetch | undefined) {
  return async function request(input: unknown, init: object = {}): Promise<Answer> {
    const url = String(input)
    let status: number
    let headers: Headers
    let body: string
    try {
      // tRPC's httpLink passes what `Fetch` names and nothing else; its own type allows for more.
      const response = await (fetch ?? globalThis.fetch)(url, init as Parameters<Fetch>[1])
      body = await response.text()
      ;({ status, headers } = response)
    } catch (cause) {
      throw new SottoError('UNAVAILABLE', { detail: `${withoutQuery(url)} does not answer`, cause })
    }
    const retryAfterMs = retryAfter(headers.get('retry-after'))
    const json = parse(body)
    if (!isEnvelope(json)) throw strangeAnswer(url, status, json, retryAfterMs)
    return { ok: status < 400, retryAfterMs, json: () => Promise.resolve(json) }
  }
}

/** The catalogue's error in a tRPC client's one; undefined when it holds none, as for one thrown by the caller. */
export function sottoErrorOf(error: unknown): SottoError | undefined {
  if (error instanceof SottoError) return error
  if (!isTRPCClientError(error)) return undefined
  if (error.cause instanceof SottoError) return error.cause
  if (!error.shape) return undefined
  const { meta, message } = error
  const data: Partial<ErrorData> = error.data ?? {}
  const answer = meta?.response as Answer | undefined
  return new SottoError(isErrorCode(data.code) ? data.code : unknownCode(data), {
    detail: message,
    issues: data.issues,
    requestId: data.requestId,
    // The answer's header speaks for all calls of a batch.
    retryAfterMs: data.retryAfterMs ?? answer?.retryAfterMs,
    cause: error,
  })
}

/** The catalogue's error in what the server sends of one over a WebSocket. */
export function errorOfShape({ message, data }: ErrorShape): SottoError {
  const { requestId, issues, retryAfterMs } = data
  const code = isErrorCode(data.code) ? data.code : unknownCode(data)
  return new SottoError(code, { detail: message, requestId, issues, retryAfterMs })
}

function isTRPCClientError(error: unknown): error is TRPCClientError<AppRouter> {
  return error instanceof TRPCClientError
}

/** The error in an answer that REST gave; what is not from a Sotto server counts as a passing failure. */
export async function refusalOf(url: string, response: Response): Promise<SottoError> {
  const { status, headers } = response
  return strangeAnswer(url, status, parse(await response.text()), retryAfter(headers.get('retry-after')))
}

/** What answered was the server outside of its tRPC, as for a body that is too large, or something before it. */
function strangeAnswer(
  url: string,
  status: number,
  json: unknown,
  retryAfterMs: number | undefined,
): SottoError {
  const problem = isObject(json) ? json : {}
  const { code, detail, issues, requestId } = problem
  if (isErrorCode(code)) {
    return new SottoError(code, {
      detail: typeof detail === 'string' ? detail : undefined,
      // With a code of ours it is a problem of ours, and its issues are as the contract has them.
      issues: Array.isArray(issues) ? (issues as InputIssue[]) : undefined,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      retryAfterMs,
    })
  }
  return new SottoError(codeOfStatus(status), {
    detail: `${withoutQuery(url)} answers ${status} with something that is not from a Sotto server`,
    retryAfterMs,
  })
}

/** Statuses that mean the same whoever answers them. */
const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMITED',
}

/** A newer server may know codes that this client does not. */
function unknownCode({ httpStatus = 500, retryable = false }: Partial<ErrorData>): ErrorCode {
  return codesByStatus[httpStatus] ?? (retryable ? 'UNAVAILABLE' : 'INTERNAL')
}

function codeOfStatus(status: number): ErrorCode {
  return codesByStatus[status] ?? 'UNAVAILABLE'
}

/** RFC 9110, section 10.2.3: seconds or an HTTP date. */
function retryAfter(value: string | null): number | undefined {
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

function isEnvelope(json: unknown): boolean {
  return isObject(json) && ('result' in json || isObject(json.error))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Inputs have no place in an error's words, which end up in logs. */
function withoutQuery(url: string): string {
  return url.split('?', 1)[0] ?? url
}
