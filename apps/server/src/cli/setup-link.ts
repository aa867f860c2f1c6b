/** The link for creating the first admin. Browsers do not send the fragment, so no proxy logs the token. */
export function setupLink(url: string, token: string): string {
  return `${url}/welcome#${token}`
}
