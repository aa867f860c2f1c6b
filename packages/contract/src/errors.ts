/**
 * Every error that a caller can get, on every transport. `retryable` says that the same call may succeed
 * later without a change; `status` is its HTTP status.
 */
export const errorCatalogue = {
  INVALID_INPUT: { status: 400, retryable: false, title: 'The input is not valid' },
  INVALID_CURSOR: { status: 400, retryable: false, title: 'The cursor is not one of this list' },
  ACTOR_REQUIRED: { status: 400, retryable: false, title: 'This operation needs a user to act for' },
  UNAUTHENTICATED: { status: 401, retryable: false, title: 'Credentials are missing or not valid' },
  SECOND_FACTOR_REQUIRED: { status: 401, retryable: false, title: 'The log-in needs a second factor' },
  FORBIDDEN: { status: 403, retryable: false, title: 'The caller may not do this' },
  USER_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such user' },
  CONVERSATION_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such conversation' },
  MESSAGE_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such message' },
  SESSION_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such session' },
  INVITATION_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such invitation' },
  KEY_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such service key' },
  WEBHOOK_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such webhook' },
  DELIVERY_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such delivery' },
  ROUTE_NOT_FOUND: { status: 404, retryable: false, title: 'There is no such route' },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, title: 'This route does not take this method' },
  USERNAME_TAKEN: { status: 409, retryable: false, title: 'The username is taken' },
  EMAIL_TAKEN: { status: 409, retryable: false, title: 'The email address is taken' },
  MESSAGE_DELETED: { status: 409, retryable: false, title: 'The message has been deleted' },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false, title: 'The body is not JSON' },
  IDEMPOTENCY_CONFLICT: {
    status: 422,
    retryable: false,
    title: 'This clientMessageId was used for other content',
  },
  RATE_LIMITED: { status: 429, retryable: true, title: 'Too many requests' },
  INTERNAL: { status: 500, retryable: false, title: 'The server failed' },
  UNAVAILABLE: { status: 503, retryable: true, title: 'The server cannot answer right now' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof errorCatalogue

/** One thing that is wrong with an input: which field (`image.width`; empty for the whole), and what it takes. */
export interface InputIssue {
  path: string
  message: string
}

interface SottoErrorOptions {
  detail?: string | undefined
  issues?: readonly InputIssue[] | undefined
  requestId?: string | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}

/**
 * An error of the catalogue. Branch on `code`; the words are for people and may change.
 *
 * `requestId` names the request in the server's log, `issues` is not empty for INVALID_INPUT. `retryAfterMs` is
 * how long to wait before trying again, where the server said so.
 */
export class SottoError extends Error {
  override readonly name = 'SottoError'
  readonly code: ErrorCode
  readonly status: number
  readonly retryable: boolean
  readonly issues: readonly InputIssue[]
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, options: SottoErrorOptions = {}) {
    super(options.detail ?? errorCatalogue[code].title, { cause: options.cause })
    this.code = code
    this.status = errorCatalogue[code].status
    this.retryable = errorCatalogue[code].retryable
    this.issues = options.issues ?? []
    this.requestId = options.requestId
    this.retryAfterMs = options.retryAfterMs
  }
}

/** INVALID_INPUT about one field. */
export function invalidInput(path: string, message: string): SottoError {
  return new SottoError('INVALID_INPUT', { detail: `${path}: ${message}`, issues: [{ path, message }] })
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalogue, value)
}
