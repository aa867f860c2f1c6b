import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ErrorCode, SottoError } from '@sotto/contract'
import type { FastifyRequest } from 'fastify'
import { securityHeaders } from './answer-headers.ts'
import { PROBLEM_TYPE, toProblem } from './problem.ts'

/** How long whoever sent it may take to read the answer, in milliseconds. */
const READ_WITHIN_MS = 1_000

/** Answers what is not HTTP, or comes too slowly, before there is a request. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET') socket.destroy()
  else refuseConnection(toSottoError(error), socket)
}

/** Answers on a connection that no reply belongs to, and closes it. */
export function refuseConnection(error: SottoError, socket: Duplex): void {
  // It has been answered, and goes on talking.
  if (socket.writableEnded) return
  const problem = toProblem(error, '')
  const body = JSON.stringify(problem)
  const headers = {
    ...securityHeaders,
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // What is still on its way is read and dropped: closing on it would reset the connection before the answer is read.
  socket.resume()
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`)
  setTimeout(() => socket.destroy(), READ_WITHIN_MS).unref()
}

/** RFC 9112 asks for it. Node would refuse it too, without a body that says why. */
export function requireHost({ raw, headers }: FastifyRequest): void {
  if (raw.httpVersion === '1.1' && headers.host === undefined) {
    throw malformed('there is no Host header', 'takes a Host header')
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
    ? malformed('the request took too long', 'takes a whole request in time')
    : malformed('this is not HTTP', 'takes HTTP/1.1')
}

/** INVALID_INPUT about the request as a whole. */
export function malformed(detail: string, message: string): SottoError {
  return new SottoError('INVALID_INPUT', { detail, issues: [{ path: '', message }] })
}
