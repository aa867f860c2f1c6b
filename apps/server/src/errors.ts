import { type ErrorCode, type InputIssue, SottoError } from '@sotto/contract'
import { isUnavailable } from '@sotto/db'
import { TRPCError } from '@trpc/server'
import { z } from 'zod'

/** What tRPC itself refuses, in our words. Its other codes come from nowhere here. */
const trpcCodes: Partial<Record<TRPCError['code'], ErrorCode>> = {
  BAD_REQUEST: 'INVALID_INPUT',
  PARSE_ERROR: 'INVALID_INPUT',
  NOT_FOUND: 'ROUTE_NOT_FOUND',
  METHOD_NOT_SUPPORTED: 'METHOD_NOT_ALLOWED',
  PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  UNSUPPORTED_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
}

/** Any failure as an error of the catalogue. What is not foreseen is INTERNAL, and shows nothing of itself. */
export function toSottoError(error: unknown): SottoError {
  if (error instanceof SottoError) return error
  if (error instanceof TRPCError) {
    if (error.cause instanceof SottoError) return error.cause
    if (error.code === 'BAD_REQUEST' && error.cause instanceof z.core.$ZodError)
      return refusedInput(error.cause)
    const code = trpcCodes[error.code]
    if (code === 'INVALID_INPUT') {
      const message = 'takes a JSON object of inputs, of no more calls than a batch may hold'
      return new SottoError(code, { detail: error.message, issues: [{ path: '', message }], cause: error })
    }
    if (code) return new SottoError(code, { cause: error })
    if (error.cause) return toSottoError(error.cause)
  }
  if (isUnavailable(error)) return new SottoError('UNAVAILABLE', { cause: error })
  return new SottoError('INTERNAL', { cause: error })
}

/** INVALID_INPUT with what the schema found, field by field. */
export function refusedInput(error: z.core.$ZodError): SottoError {
  const issues = error.issues.flatMap(toIssues)
  return new SottoError('INVALID_INPUT', {
    detail: issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '),
    issues,
    cause: error,
  })
}

function toIssues(issue: z.core.$ZodIssue): InputIssue[] {
  const path = issue.path.join('.')
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: path ? `${path}.${key}` : key,
        message: 'is not a field here',
      }))
    case 'invalid_type':
      return [{ path, message: typeMessage(issue) }]
    case 'invalid_value':
      return [{ path, message: `takes ${issue.values.join(', ')}` }]
    default:
      return [{ path, message: issue.message }]
  }
}

function typeMessage(issue: z.core.$ZodIssueInvalidType): string {
  // zod tells what it got only in its words.
  if (issue.message.endsWith('received undefined')) return 'is required'
  return issue.message.startsWith('Invalid input') ? `takes ${article(issue.expected)}` : issue.message
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}
