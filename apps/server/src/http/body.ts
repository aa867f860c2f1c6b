import { isUtf8 } from 'node:buffer'
import { SottoError } from '@sotto/contract'
import type { FastifyInstance } from 'fastify'

/**
 * Takes JSON and nothing else. An empty body is none, whatever its type says: many clients send the header with
 * every request.
 */
export function registerJsonBody(app: FastifyInstance): void {
  // Fields in the body of a GET are refused, not passed over: whoever sends them takes them for filters.
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    if (!isUtf8(body)) return done(notUtf8())
    // It answers by its callback alone; its type says that it might answer a promise.
    void parseJson(request, body.toString('utf8'), (error, value) => {
      if (error) done(invalidBody(`the body is not JSON: ${error.message}`))
      else done(null, value)
    })
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    done(body.length === 0 ? null : new SottoError('UNSUPPORTED_MEDIA_TYPE'), undefined)
  })
}

/** Decoding would put U+FFFD for what is not UTF-8, and a text would not be kept as it came. */
export function notUtf8(): SottoError {
  return invalidBody('the body is not UTF-8')
}

function invalidBody(detail: string): SottoError {
  return new SottoError('INVALID_INPUT', { detail, issues: [{ path: '', message: 'takes JSON in UTF-8' }] })
}
