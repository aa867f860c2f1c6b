/** A URL without user, password and parameters, some of which are passwords too. */
export function redactUrl(text: string): string {
  const url = URL.parse(text)
  if (!url?.host) return text.split(/[?#]/, 1)[0] ?? ''
  return `${url.protocol}//${url.host}${url.pathname}`
}
