/**
 * All errors that callers can receive, on any transport. `retryable` means that the same call may succeed later.
 * `status` is the HTTP status.
 */
export const errorCatalogue = {
  INVALID_INPUT: { status: 400, retryable: false, title: 'The input is not valid' },
  INVALID_CURSOR: { status: 400, retryable: false, title: 'The cursor is not valid for this list' },
  ACTOR_REQUIRED: {
    status: 400,
    retryable: false,
    title: 'This operation must be called on behalf of a user',
  },
  UNAUTHENTICATED: { status: 401, retryable: false, title: 'Missing or invalid credentials' },
  SECOND_FACTOR_REQUIRED: {
    status: 401,
    retryable: false,
    title: 'Two-factor authentication is required to sign in',
  },
  FORBIDDEN: { status: 403, retryable: false, title: 'The caller is not allowed to do this' },
  USER_NOT_FOUND: { status: 404, retryable: false, title: 'User not found' },
  CONVERSATION_NOT_FOUND: { status: 404, retryable: false, title: 'Conversation not found' },
  MESSAGE_NOT_FOUND: { status: 404, retryable: false, title: 'Message not found' },
  SESSION_NOT_FOUND: { status: 404, retryable: false, title: 'Session not found' },
  INVITATION_NOT_FOUND: { status: 404, retryable: false, title: 'Invitation not found' },
  KEY_NOT_FOUND: { status: 404, retryable: false, title: 'Service key not found' },
  WEBHOOK_NOT_FOUND: { status: 404, retryable: false, title: 'Webhook not found' },
  DELIVERY_NOT_FOUND: { status: 404, retryable: false, title: 'Delivery not found' },
  ROUTE_NOT_FOUND: { status: 404, retryable: false, title: 'Route not found' },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, title: 'This route does not support this method' },
  USERNAME_TAKEN: { status: 409, retryable: false, title: 'The username is already taken' },
  EXTERNAL_ID_TAKEN: {
    status: 409,
    retryable: false,
    title: 'Another user already has this external id',
  },
  EMAIL_TAKEN: { status: 409, retryable: false, title: 'The email address is already in use' },
  USER_MISMATCH: {
    status: 409,
    retryable: false,
    title: 'The request was made for a different user',
  },
  MESSAGE_DELETED: { status: 409, retryable: false, title: 'The message has been deleted' },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false, title: 'The request body must be JSON' },
  IDEMPOTENCY_CONFLICT: {
    status: 422,
    retryable: false,
    title: 'This clientMessageId or clientConversationId was already used with different content',
  },
  RATE_LIMITED: { status: 429, retryable: true, title: 'Too many requests' },
  INTERNAL: { status: 500, retryable: false, title: 'Internal server error' },
  UNAVAILABLE: { status: 503, retryable: true, title: 'The server is temporarily unavailable' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof errorCatalogue

/** A problem with an input field: its path, such as `image.width` (empty for the entire input), and the rule. */
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
 * An error from the catalog. Branch on `code`; the message is for humans and may change.
 *
 * `requestId` identifies the request in the server's log. `issues` lists the problems if the code is INVALID_INPUT.
 * `retryAfterMs` is how long to wait before retrying, if the server specified it.
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

/** An INVALID_INPUT error for one field. */
export function invalidInput(path: string, message: string): SottoError {
  return new SottoError('INVALID_INPUT', { detail: `${path}: ${message}`, issues: [{ path, message }] })
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalogue, value)
}
