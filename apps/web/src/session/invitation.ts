/*
 * The token is in the fragment of an invitation link, which browsers do not send to servers. It is removed from the
 * address bar to keep it out of the history, and stored for this tab to survive a reload.
 */

const KEY = 'sotto/invitation'
const TOKEN = /in_[\w-]+/

/** The token of the invitation link that was opened in this tab. Removes it from the address bar. */
export function takeInvitation(): string | undefined {
  const token = TOKEN.exec(window.location.hash)?.[0]
  if (token === undefined) return sessionStorage.getItem(KEY) ?? undefined
  sessionStorage.setItem(KEY, token)
  window.history.replaceState(window.history.state, '', window.location.pathname)
  return token
}

export function forgetInvitation(): void {
  sessionStorage.removeItem(KEY)
}
