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
export function sottoFetch(fetch: Fetch) {
  return async function request(input: unknown, init: object = {}): Promise<TrpcResponse> {
    const url = String(input)
    let status: number
    let headers: Headers
    let body: string
    try {
      // tRPC's httpLink passes only the fields of `Fetch`, although its type allows more.
      const response = await fetch(url, init as Parameters<Fetch>[1])
      body = await response.text()
      ;({ status, headers } = response)
    } catch (cause) {
      throw unreachable(url, cause)
    }
    const json = parse(body)
    if (!isEnvelope(json)) throw errorOfBody(url, { status, headers }, json)
    const retryAfterMs = retryAfter(headers.get('retry-after'))
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
  return errorOfBody(url, response, parse(await response.text()))
}

/** The response came from the server outside tRPC, for example for a body that is too large, or from a proxy. */
export function errorOfBody(
  url: string,
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  json: unknown,
): SottoError {
  const retryAfterMs = retryAfter(headers.get('retry-after'))
  if (!isProblem(json)) {
    // Other statuses of a proxy describe its state, which changes, and not the request.
    const isAboutRequest = status === 413 || status === 429
    return new SottoError((isAboutRequest && codesByStatus[status]) || 'UNAVAILABLE', {
      detail: `${withoutQuery(url)} returned ${status}, but is not a Sotto server`,
      retryAfterMs,
    })
  }
  const { code, detail, issues, requestId } = json
  return new SottoError(isErrorCode(code) ? code : unknownCode({ httpStatus: status }), {
    detail: typeof detail === 'string' ? detail : undefined,
    // A Sotto server sent it, so its issues are as in the contract.
    issues: Array.isArray(issues) ? (issues as InputIssue[]) : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    retryAfterMs,
  })
}

/** Codes for statuses of a Sotto server. */
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
function unknownCode({ httpStatus = 500, retryable = httpStatus >= 502 }: Partial<ErrorData>): ErrorCode {
  return codesByStatus[httpStatus] ?? (retryable ? 'UNAVAILABLE' : 'INTERNAL')
}

/** In seconds or as an HTTP date (RFC 9110, section 10.2.3). */
function retryAfter(value: string | null): number | undefined {
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** Whether this is a tRPC response of a Sotto server. The JSON of gateways can have the same fields, but not inside. */
function isEnvelope(json: unknown): boolean {
  if (!isObject(json)) return false
  const { result, error } = json
  if (isObject(result)) return isObject(result.data) && 'json' in result.data
  return isObject(error) && isObject(error.json) && isObject(error.json.data) && 'code' in error.json.data
}

/** Whether this is an RFC 9457 problem of a Sotto server. */
function isProblem(json: unknown): json is Record<string, unknown> {
  return isObject(json) && typeof json.type === 'string' && json.type.startsWith('urn:sotto:error:')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Undefined if it is not JSON. */
export function parse(body: string): unknown {
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
