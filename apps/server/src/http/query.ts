import { SottoError } from '@sotto/contract'

/**
 * The query parser would silently replace or keep text that is not percent-encoded UTF-8.
 *
 * @throws {SottoError} INVALID_INPUT
 */
export function requireWellFormedQuery(url: string): void {
  const start = url.indexOf('?')
  if (start === -1) return
  try {
    decodeURIComponent(url.slice(start))
  } catch {
    const message = 'must be percent-encoded UTF-8'
    throw new SottoError('INVALID_INPUT', {
      detail: 'the query must be percent-encoded UTF-8',
      issues: [{ path: '', message }],
    })
  }
}
