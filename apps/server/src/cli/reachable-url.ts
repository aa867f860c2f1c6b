import { isIPv6 } from 'node:net'

/** A URL that can be opened: a wildcard address cannot, but it always includes localhost. */
export function reachableUrl(host: string, port: string): string {
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`
  return isIPv6(host) ? `http://[${host}]:${port}` : `http://${host}:${port}`
}
