/*
 * The setup token is in the fragment of the setup link, which browsers do not send to servers. It is removed from the
 * address bar to keep it out of the history, and stored for this tab to survive a reload.
 */

const KEY = 'sotto/setup-token'
const TOKEN = /su_[\w-]+/

/** The token in a link or in any other text, if there is one. */
export function tokenIn(text: string): string | undefined {
  return TOKEN.exec(text)?.[0]
}

/** The token of the setup link that was opened in this tab. Removes it from the address bar. */
export function takeSetupToken(): string | undefined {
  const token = tokenIn(window.location.hash)
  if (token === undefined) return sessionStorage.getItem(KEY) ?? undefined
  storeSetupToken(token)
  window.history.replaceState(window.history.state, '', window.location.pathname)
  return token
}

export function storeSetupToken(token: string): void {
  sessionStorage.setItem(KEY, token)
}

export function forgetSetupToken(): void {
  sessionStorage.removeItem(KEY)
}
