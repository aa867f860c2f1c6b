import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ErrorCode, SottoError } from '@sotto/contract'
import type { FastifyRequest } from 'fastify'
import { PROBLEM_TYPE, toProblem } from './problem.ts'
import { securityHeaders } from './response-headers.ts'

/** How long the client has to read the response, in milliseconds. */
const READ_WITHIN_MS = 1_000

/** Responds to data that is not HTTP or arrives too slowly, before there is a request. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET') socket.destroy()
  else refuseConnection(toSottoError(error), socket)
}

/** Responds on a connection without a Fastify reply, and closes it. */
export function refuseConnection(error: SottoError, socket: Duplex): void {
  // The client may still be sending after the response.
  if (socket.writableEnded) return
  const problem = toProblem(error, randomUUID())
  const body = JSON.stringify(problem)
  const headers = {
    ...securityHeaders,
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // Read and discard what is still arriving: otherwise the connection is reset before the client reads the response.
  socket.resume()
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`)
  setTimeout(() => socket.destroy(), READ_WITHIN_MS).unref()
}

/** Required by RFC 9112. Node would also reject the request, but without a body that says why. */
export function requireHost({ raw, headers }: FastifyRequest): void {
  if (raw.httpVersion === '1.1' && headers.host === undefined) {
    throw malformed('the Host header is required', 'must have a Host header')
  }
}

const codes: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'PAYLOAD_TOO_LARGE',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'PAYLOAD_TOO_LARGE',
}

function toSottoError({ code = '' }: NodeJS.ErrnoException): SottoError {
  const known = codes[code]
  if (known) return new SottoError(known, { detail: 'the headers are too large' })
  return code === 'ERR_HTTP_REQUEST_TIMEOUT'
    ? malformed('the request was not received in time', 'must be complete within the time limit')
    : malformed('the request is not valid HTTP/1.1', 'must be HTTP/1.1')
}

/** An INVALID_INPUT error about the request as a whole. */
export function malformed(detail: string, message: string): SottoError {
  return new SottoError('INVALID_INPUT', { detail, issues: [{ path: '', message }] })
}
