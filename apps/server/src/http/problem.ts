import { errorCatalogue, type SottoError } from '@sotto/contract'
import type { FastifyReply } from 'fastify'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** RFC 9457 problem details. `title` depends only on the code; `detail` describes the error at hand. */
export function toProblem(error: SottoError, requestId: string) {
  return {
    type: `urn:sotto:error:${error.code}`,
    title: errorCatalogue[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    requestId,
    ...(error.issues.length > 0 && { issues: error.issues }),
  }
}

/** For errors that do not specify a delay. */
const DEFAULT_RETRY_AFTER_MS = 1_000

/** The Retry-After header for temporary errors: the longest of their delays. */
export function retryFields(errors: readonly SottoError[]): Record<string, string> {
  const delays = errors.flatMap(({ retryable, retryAfterMs = DEFAULT_RETRY_AFTER_MS }) =>
    retryable ? retryAfterMs : [],
  )
  return delays.length > 0 ? { 'retry-after': String(Math.ceil(Math.max(...delays) / 1_000)) } : {}
}

export function sendProblem(reply: FastifyReply, error: SottoError): FastifyReply {
  reply.request.failure = error.code
  // RFC 9110 requires a challenge with each 401.
  if (error.status === 401) reply.header('www-authenticate', 'Bearer, Basic realm="sotto", charset="UTF-8"')
  return reply
    .code(error.status)
    .header('content-type', PROBLEM_TYPE)
    .header('cache-control', 'no-store')
    .headers(retryFields([error]))
    .send(JSON.stringify(toProblem(error, reply.request.id)))
}
