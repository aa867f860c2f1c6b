import { SottoError } from '@sotto/contract'
import type { Credentials } from './authorization.ts'
import type { Fetch } from './transport.ts'

interface ConnectionOptions {
  /** The address of the server, such as `https://chat.example.com`. */
  url: string | URL
  /** Used instead of the global `fetch`. */
  fetch?: Fetch | undefined
  /** The maximum duration of a call, including retries and waiting, in milliseconds. Default: 30,000. */
  timeoutMs?: number | undefined
  /** How often to retry a call that failed temporarily. Default: 3. With 0, calls are not retried. */
  retries?: number | undefined
}

export type ClientOptions = ConnectionOptions & Credentials

/** The user of a request: a username, an id, or `ext:` followed by an external id. */
export interface RequestUser {
  /** The user whom a service key acts for. */
  actAs?: string | undefined
  /** The user for whom the request is made. If the credentials are those of another one, it fails with USER_MISMATCH. */
  expectedUser?: string | undefined
}

/** The headers that identify the caller. */
export function callerHeaders(
  authorization: string | undefined,
  { actAs, expectedUser }: RequestUser,
): Headers {
  const headers = new Headers()
  // Throws if the token is not a valid header value, which retrying would not fix.
  if (authorization !== undefined) headers.set('authorization', authorization)
  if (actAs !== undefined) headers.set('act-as', userHeader(actAs))
  if (expectedUser !== undefined) headers.set('expected-user', userHeader(expectedUser))
  return headers
}

/** A user as the value of a header, percent-encoded: an external id can be any text. */
function userHeader(user: string): string {
  try {
    if (user !== '') return encodeURIComponent(user)
  } catch {
    // An unpaired surrogate. No user can have this name.
  }
  throw new SottoError('USER_NOT_FOUND')
}

/**
 * The address without trailing slashes. An address without a host refers to the page's own server.
 *
 * @throws TypeError if requests cannot be sent to it
 */
export function baseOf(url: string | URL): string {
  const base = String(url)
  if (!/^(https?:\/\/|\/|$)/i.test(base)) {
    throw new TypeError(`url must be an http or https URL, such as http://localhost:1337, not "${base}"`)
  }
  const { location } = globalThis as { location?: { href: string } }
  // Pages of packaged apps have file URLs.
  if (!/^h/i.test(base) && (location?.href ?? 'file:').startsWith('file:')) {
    throw new TypeError(`url must start with http:// or https:// outside a web page, not "${base}"`)
  }
  return base.replace(/\/+$/, '')
}

/**
 * The given `fetch` or the global one, as of each request. It can be called in any way: browsers reject calls of theirs
 * as a method of another object.
 *
 * @throws TypeError if there is none
 */
export function fetchOf({ fetch }: ConnectionOptions): Fetch {
  if (!fetch && typeof globalThis.fetch !== 'function') {
    throw new TypeError('fetch is required because this runtime has none: createClient({ fetch })')
  }
  return (url, init) => (fetch ?? globalThis.fetch)(url, init)
}
