/*
 * The token of the first start comes behind the # of a link, which no browser sends to a server by itself. It is taken
 * out of the address, so that it stands in no history, and kept for this tab: a reload goes on where it was.
 */

const KEY = 'sotto/setup-token'
const TOKEN = /su_[\w-]+/

/** The token in a link, or by itself; undefined where there is none. */
export function tokenIn(text: string): string | undefined {
  return TOKEN.exec(text)?.[0]
}

/** The token of the link that was opened in this tab. */
export function takeSetupToken(): string | undefined {
  const token = tokenIn(window.location.hash)
  if (token === undefined) return sessionStorage.getItem(KEY) ?? undefined
  keepSetupToken(token)
  window.history.replaceState(window.history.state, '', window.location.pathname)
  return token
}

export function keepSetupToken(token: string): void {
  sessionStorage.setItem(KEY, token)
}

export function forgetSetupToken(): void {
  sessionStorage.removeItem(KEY)
}
