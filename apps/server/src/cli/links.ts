/* Links to pages of the web client. Browsers do not send the fragment, so no proxy logs the token. */

/** The link for creating the first admin. */
export function setupLink(url: string, token: string): string {
  return `${url}/welcome#${token}`
}

/** The link for setting a new password. */
export function resetLink(url: string, token: string): string {
  return `${url}/reset#${token}`
}
