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

const RETRY_AFTER_S = 1

export function sendProblem(reply: FastifyReply, error: SottoError): FastifyReply {
  // RFC 9110 asks for a challenge with each 401.
  if (error.status === 401) reply.header('www-authenticate', 'Bearer, Basic realm="sotto", charset="UTF-8"')
  if (error.retryable) reply.header('retry-after', RETRY_AFTER_S)
  return reply
    .code(error.status)
    .header('content-type', PROBLEM_TYPE)
    .header('cache-control', 'no-store')
    .send(JSON.stringify(toProblem(error, reply.request.id)))
}
