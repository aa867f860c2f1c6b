import { errorCatalogue, type SottoError } from '@sotto/contract'
import type { FastifyReply } from 'fastify'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** RFC 9457. `title` belongs to the code, `detail` to this case. */
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

/** Where nobody knows better. */
const RETRY_AFTER_MS = 1_000

/** Says in an answer when to repeat the calls in it that failed for a while: not before all of them can be. */
export function retryFields(errors: readonly SottoError[]): Record<string, string> {
  const waits = errors.flatMap(({ retryable, retryAfterMs = RETRY_AFTER_MS }) =>
    retryable ? retryAfterMs : [],
  )
  return waits.length > 0 ? { 'retry-after': String(Math.ceil(Math.max(...waits) / 1_000)) } : {}
}

export function sendProblem(reply: FastifyReply, error: SottoError): FastifyReply {
  reply.request.failure = error.code
  // RFC 9110 asks for a challenge with each 401.
  if (error.status === 401) reply.header('www-authenticate', 'Bearer, Basic realm="sotto", charset="UTF-8"')
  return reply
    .code(error.status)
    .header('content-type', PROBLEM_TYPE)
    .header('cache-control', 'no-store')
    .headers(retryFields([error]))
    .send(JSON.stringify(toProblem(error, reply.request.id)))
}
