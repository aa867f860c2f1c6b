import type { AppRouter, ErrorCode, ErrorData, ErrorShape, InputIssue } from '@sotto/contract'
import { isErrorCode, SottoError } from '@sotto/contract'
import type { TRPCClientError } from '@trpc/client'

/** The parts of `fetch` that the client uses. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<Response>

/** A response with the fields that tRPC's links read, and the retry time, which they do not. */
interface TrpcResponse {
  ok: boolean
  retryAfterMs: number | undefined
  json: () => Promise<unknown>
}

/**
 * Wraps `fetch` for tRPC's links. Throws a SottoError if no tRPC response of a Sotto server arrives: no connection, an
 * interrupted one, or a response of a proxy.
 */
export function sottoFetch(fetch: Fetch | undefined) {
  return async function request(input: unknown, init: object = {}): Promise<TrpcResponse> {
    const url = String(input)
    let status: number
    let headers: Headers
    let body: string
    try {
      // tRPC's httpLink passes only the fields of `Fetch`, although its type allows more.
      const response = await (fetch ?? globalThis.fetch)(url, init as Parameters<Fetch>[1])
      body = await response.text()
      ;({ status, headers } = response)
    } catch (cause) {
      throw unreachable(url, cause)
    }
    const retryAfterMs = retryAfter(headers.get('retry-after'))
    const json = parse(body)
    if (!isEnvelope(json)) throw errorOfBody(url, status, json, retryAfterMs)
    return { ok: status < 400, retryAfterMs, json: () => Promise.resolve(json) }
  }
}

/**
 * The error if a request got no response. Browsers do not tell a page whether the server refused its origin or cannot be
 * reached, so the error names the origin.
 */
export function unreachable(url: string, cause: unknown): SottoError {
  const { location } = globalThis as { location?: { origin?: string; href: string } }
  const page = location?.origin
  const isForeign = page !== undefined && originOf(url, location?.href) !== page
  const hint = isForeign ? `: check that it is running, and that SOTTO_ALLOWED_ORIGINS includes ${page}` : ''
  return new SottoError('UNAVAILABLE', { detail: `${withoutQuery(url)} cannot be reached${hint}`, cause })
}

function originOf(url: string, base: string | undefined): string | undefined {
  try {
    return new URL(url, base).origin
  } catch {
    return undefined
  }
}

/** The SottoError in a tRPC client error. Undefined if there is none, for example if the caller's code threw it. */
export function sottoErrorOf(error: unknown): SottoError | undefined {
  if (error instanceof SottoError) return error
  if (!isTRPCClientError(error)) return undefined
  if (error.cause instanceof SottoError) return error.cause
  if (!error.shape) return undefined
  const { meta, message } = error
  const data: Partial<ErrorData> = error.data ?? {}
  const response = meta?.response as TrpcResponse | undefined
  return new SottoError(isErrorCode(data.code) ? data.code : unknownCode(data), {
    detail: message,
    issues: data.issues,
    requestId: data.requestId,
    // The header applies to all calls of a batch.
    retryAfterMs: data.retryAfterMs ?? response?.retryAfterMs,
    cause: error,
  })
}

/** The SottoError in an error that the server sent over a WebSocket. */
export function errorOfShape({ message, data }: ErrorShape): SottoError {
  const { requestId, issues, retryAfterMs } = data
  const code = isErrorCode(data.code) ? data.code : unknownCode(data)
  return new SottoError(code, { detail: message, requestId, issues, retryAfterMs })
}

/** Compares the name, because a program can have two copies of tRPC, and the class would add an eighth to its size. */
export function isTRPCClientError(error: unknown): error is TRPCClientError<AppRouter> {
  return error instanceof Error && error.name === 'TRPCClientError'
}

/** The error of a failed REST response. A response that is not from a Sotto server counts as a temporary failure. */
export async function errorOfResponse(url: string, response: Response): Promise<SottoError> {
  const { status, headers } = response
  return errorOfBody(url, status, parse(await response.text()), retryAfter(headers.get('retry-after')))
}

/** The response came from the server outside tRPC, for example for a body that is too large, or from a proxy. */
function errorOfBody(
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
      // A known code means a Sotto server sent it, so its issues are as in the contract.
      issues: Array.isArray(issues) ? (issues as InputIssue[]) : undefined,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      retryAfterMs,
    })
  }
  return new SottoError(codeOfStatus(status), {
    detail: `${withoutQuery(url)} returned ${status}, but is not a Sotto server`,
    retryAfterMs,
  })
}

/** Statuses with the same meaning from any server. */
const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMITED',
}

/** A newer server may send codes that this client does not know. */
function unknownCode({ httpStatus = 500, retryable = false }: Partial<ErrorData>): ErrorCode {
  return codesByStatus[httpStatus] ?? (retryable ? 'UNAVAILABLE' : 'INTERNAL')
}

function codeOfStatus(status: number): ErrorCode {
  return codesByStatus[status] ?? 'UNAVAILABLE'
}

/** In seconds or as an HTTP date (RFC 9110, section 10.2.3). */
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

/** Keeps inputs out of error messages, which end up in logs. */
function withoutQuery(url: string): string {
  return url.split('?', 1)[0] ?? url
}
