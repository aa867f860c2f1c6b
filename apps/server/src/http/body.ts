import { isUtf8 } from 'node:buffer'
import { SottoError } from '@sotto/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Accepts only JSON. An empty body counts as none, whatever its content type: many clients send the header with every
 * request.
 */
export function registerJsonBody(app: FastifyInstance): void {
  // Fields in the body of a GET are rejected, not ignored: the client probably means them as filters.
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    if (!isUtf8(body)) return done(notUtf8())
    // It only uses the callback, although its type also allows a promise.
    void parseJson(request, body.toString('utf8'), (error, value) => {
      if (error) done(invalidBody(`the body must be valid JSON: ${error.message}`))
      else done(null, value)
    })
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    done(body.length === 0 ? null : new SottoError('UNSUPPORTED_MEDIA_TYPE'), undefined)
  })
}

/**
 * Requires a body without compression, which would otherwise be rejected as invalid JSON.
 *
 * @throws {SottoError} UNSUPPORTED_MEDIA_TYPE
 */
export function requirePlainBody({ headers }: FastifyRequest, reply: FastifyReply): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  const length = headers['content-length']
  const hasBody = headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
  if (encoding === undefined || encoding === '' || encoding === 'identity' || !hasBody) return
  reply.header('accept-encoding', 'identity')
  throw new SottoError('UNSUPPORTED_MEDIA_TYPE', {
    detail: 'Content-Encoding must be identity: compressed bodies are not accepted',
  })
}

/** Decoding would replace invalid bytes with U+FFFD, and the text would not be stored unchanged. */
export function notUtf8(): SottoError {
  return invalidBody('the body must be UTF-8')
}

function invalidBody(detail: string): SottoError {
  return new SottoError('INVALID_INPUT', { detail, issues: [{ path: '', message: 'must be JSON in UTF-8' }] })
}
