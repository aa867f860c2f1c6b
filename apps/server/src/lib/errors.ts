import { type ErrorCode, type InputIssue, invalidInput, SottoError } from '@sotto/contract'
import { isUnavailable } from '@sotto/db'
import { TRPCError } from '@trpc/server'
import { z } from 'zod'

/** The codes of errors that tRPC itself raises. Its other codes do not occur here. */
const trpcCodes: Partial<Record<TRPCError['code'], ErrorCode>> = {
  BAD_REQUEST: 'INVALID_INPUT',
  PARSE_ERROR: 'INVALID_INPUT',
  NOT_FOUND: 'ROUTE_NOT_FOUND',
  METHOD_NOT_SUPPORTED: 'METHOD_NOT_ALLOWED',
  PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  UNSUPPORTED_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
}

/** Maps any failure to an error from the catalogue. Unexpected ones become INTERNAL, without details. */
export function toSottoError(error: unknown): SottoError {
  if (error instanceof SottoError) return error
  if (error instanceof TRPCError) {
    if (error.cause instanceof SottoError) return error.cause
    if (error.code === 'BAD_REQUEST' && error.cause instanceof z.core.$ZodError)
      return toInputError(error.cause)
    const code = trpcCodes[error.code]
    if (code === 'INVALID_INPUT') {
      const message = 'must be a JSON object of inputs, within the maximum batch size'
      return new SottoError(code, { detail: error.message, issues: [{ path: '', message }], cause: error })
    }
    if (code) return new SottoError(code, { cause: error })
    if (error.cause) return toSottoError(error.cause)
  }
  if (isUnavailable(error)) return new SottoError('UNAVAILABLE', { cause: error })
  return new SottoError('INTERNAL', { cause: error })
}

/** Keeps the response small for inputs with very many invalid fields. */
const MAX_ISSUES = 20
/** How much of a field's name is returned, in characters. */
const MAX_PATH_LENGTH = 200

/** An INVALID_INPUT error with the first issues that the schema found. */
export function toInputError(error: z.core.$ZodError): SottoError {
  const issues = error.issues.slice(0, MAX_ISSUES).flatMap(toIssues).slice(0, MAX_ISSUES)
  return new SottoError('INVALID_INPUT', {
    detail: issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '),
    issues,
    cause: error,
  })
}

/** More than any input schema allows. */
const MAX_FIELDS = 100

/**
 * Rejects inputs with very many fields before they are copied and validated.
 *
 * @throws {SottoError} INVALID_INPUT
 */
export function requireFewFields(input: object): void {
  if (!Array.isArray(input) && Object.keys(input).length > MAX_FIELDS) {
    throw invalidInput('', `must have at most ${MAX_FIELDS} fields`)
  }
}

/** A field's name, shortened for the response. */
export function shownPath(path: string): string {
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path
}

function toIssues(issue: z.core.$ZodIssue): InputIssue[] {
  const path = shownPath(issue.path.join('.'))
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, MAX_ISSUES).map((key) => ({
        path: shownPath(path ? `${path}.${key}` : key),
        message: 'is not a known field',
      }))
    case 'invalid_type':
      return [{ path, message: typeMessage(issue) }]
    case 'invalid_value':
      return [{ path, message: `must be one of: ${issue.values.join(', ')}` }]
    default:
      return [{ path, message: issue.message }]
  }
}

function typeMessage(issue: z.core.$ZodIssueInvalidType): string {
  // zod reports the received type only in its message.
  if (issue.message.endsWith('received undefined')) return 'is required'
  return issue.message.startsWith('Invalid input') ? `must be ${article(issue.expected)}` : issue.message
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}
