/*
 * The token of a link is in its fragment, which browsers do not send to servers. It is removed from the address bar to
 * keep it out of the history, and stored for this tab to survive a reload.
 */

export interface LinkToken {
  /** The token in a link or in any other text, if there is one. */
  in(text: string): string | undefined
  /** The token of the link that was opened in this tab. Removes it from the address bar. */
  take(): string | undefined
  store(token: string): void
  forget(): void
}

/** @param key the name under which the token is stored. */
export function linkToken(pattern: RegExp, key: string): LinkToken {
  const find = (text: string) => pattern.exec(text)?.[0]
  const store = (token: string) => sessionStorage.setItem(key, token)
  return {
    in: find,
    take() {
      const token = find(window.location.hash)
      if (token === undefined) return sessionStorage.getItem(key) ?? undefined
      store(token)
      window.history.replaceState(window.history.state, '', window.location.pathname)
      return token
    },
    store,
    forget: () => sessionStorage.removeItem(key),
  }
}
