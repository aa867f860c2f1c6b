/** A URL without credentials, query and fragment, which can contain passwords. */
export function redactUrl(text: string): string {
  const url = URL.parse(text)
  if (!url?.host) return text.split(/[?#]/, 1)[0] ?? ''
  return `${url.protocol}//${url.host}${url.pathname}`
}
