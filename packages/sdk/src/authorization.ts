import { lifetimeOf } from './token-lifetime.ts'

/** What the token function learns about an earlier token. */
export interface TokenRequest {
  /**
   * The last token, if the server has rejected it. A function that caches tokens must return another one. Undefined
   * otherwise.
   */
  refused?: string | undefined
}

/**
 * A service key, a session token or a token signed by your back end, or a function that returns one. Requests without a
 * token are anonymous.
 *
 * A JWT is used for all requests until shortly before it expires. The function is called again for every request if it
 * returns another kind of token, which shows no expiration. Requests at the same time share one call. If the server
 * rejects a token, the function is called once more, and the request is repeated if it returns another token.
 */
export type Token = string | ((request: TokenRequest) => string | undefined | Promise<string | undefined>)

export type Credentials =
  | { token?: Token | undefined; basic?: undefined }
  | { token?: undefined; basic: { username: string; password: string } }

/** The Authorization header of a client's requests. */
export interface Authorization {
  /** Undefined for anonymous requests. Calls the token function if necessary, and passes on its errors. */
  current(): Promise<string | undefined>
  /**
   * Records that the server has rejected a header.
   *
   * @returns whether there may be another one
   */
  refuse(header: string | null | undefined): boolean
}

/** A token function that takes longer than this may hang, so later requests call it again. */
const MAX_SHARED_MS = 10_000

/** The longest time before a token's expiration at which it is replaced. */
const MAX_MARGIN_MS = 30_000

export function authorizationOf({ token, basic }: Credentials): Authorization {
  if (typeof token === 'function') return tokenAuthorization(token)
  return {
    async current() {
      if (token !== undefined) return bearer(token)
      if (!basic) return undefined
      // Few programs use it, and its code is not small without `btoa`.
      const { basicAuthorization } = await import('./basic-authorization.ts')
      return basicAuthorization(basic)
    },
    refuse: () => false,
  }
}

function tokenAuthorization(getToken: Exclude<Token, string>): Authorization {
  let cached: { token: string; until: number } | undefined
  let refused: string | undefined
  let pending: { token: Promise<string | undefined>; refused: string | undefined; since: number } | undefined

  async function ask(): Promise<string | undefined> {
    const token = await getToken({ refused })
    if (token === undefined || token === refused) return token
    refused = undefined
    const now = Date.now()
    const lifetime = lifetimeOf(token, now)
    if (lifetime) cached = { token, until: now + lifetime - Math.min(MAX_MARGIN_MS, lifetime / 10) }
    return token
  }

  function share(): Promise<string | undefined> {
    const now = Date.now()
    if (pending && pending.refused === refused && now - pending.since < MAX_SHARED_MS) return pending.token
    const asked = { token: ask(), refused, since: now }
    pending = asked
    const end = () => {
      if (pending === asked) pending = undefined
    }
    asked.token.then(end, end)
    return asked.token
  }

  return {
    async current() {
      if (cached && Date.now() < cached.until) return bearer(cached.token)
      const token = await share()
      return token === undefined ? undefined : bearer(token)
    },
    refuse(header) {
      if (!header) return false
      const token = header.slice(bearer('').length)
      if (cached && cached.token !== token) return true
      cached = undefined
      refused = token
      return true
    },
  }
}

function bearer(token: string): string {
  return `Bearer ${token}`
}
