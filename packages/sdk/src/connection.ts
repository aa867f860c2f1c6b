import { SottoError } from '@sotto/contract'
import type { Fetch } from './transport.ts'

/**
 * A service key, a session's token or one that your back end signs, or what gives it: asked again for every request.
 * Without one it is nobody's.
 */
export type Token = string | (() => string | undefined | Promise<string | undefined>)

interface ConnectionOptions {
  /** Where the server is, such as `https://chat.example.com`. */
  url: string | URL
  /** Used instead of the global `fetch`. */
  fetch?: Fetch | undefined
  /** How long a call may take in all, waiting and repeating included. 30,000 ms unless told otherwise. */
  timeoutMs?: number | undefined
  /** How often a call that failed for a passing reason is made again. 3 unless told otherwise; 0 is never. */
  retries?: number | undefined
}

type Credentials =
  | { token?: Token | undefined; basic?: undefined }
  | { token?: undefined; basic: { username: string; password: string } }

export type ClientOptions = ConnectionOptions & Credentials

/** The headers that tell who calls. Asks the token function. */
export async function callerHeaders(credentials: Credentials, actAs: string | undefined): Promise<Headers> {
  const headers = new Headers()
  const authorization = await authorizationOf(credentials)
  // Throws for what cannot be a header's value, which is a mistake and not a passing failure.
  if (authorization !== undefined) headers.set('authorization', authorization)
  if (actAs !== undefined) headers.set('act-as', nameable(actAs))
  return headers
}

/** The user, whom nobody can be where a header cannot carry the name or where there is none. */
function nameable(user: string): string {
  if (!/^[!-~]+$/.test(user)) throw new SottoError('USER_NOT_FOUND')
  return user
}

/** The address without a slash at its end; one without a host is of the page's own server. */
export function baseOf(url: string | URL): string {
  const base = String(url)
  if (!/^(https?:\/\/|\/|$)/i.test(base)) {
    throw new TypeError(`url must be an http or https URL, such as http://localhost:1337, not "${base}"`)
  }
  return base.replace(/\/+$/, '')
}

async function authorizationOf({ token, basic }: Credentials): Promise<string | undefined> {
  const given = typeof token === 'function' ? await token() : token
  if (given !== undefined) return `Bearer ${given}`
  if (!basic) return undefined
  // btoa takes bytes as characters; RFC 7617 has the names in UTF-8.
  const bytes = new TextEncoder().encode(`${basic.username}:${basic.password}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}
