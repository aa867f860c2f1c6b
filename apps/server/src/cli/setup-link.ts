/** Where the first admin is made. What stands behind the # stays in the browser: no log of a proxy has it. */
export function setupLink(url: string, token: string): string {
  return `${url}/welcome#${token}`
}
