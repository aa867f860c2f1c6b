import { isIPv6 } from 'node:net'

/** A URL that clients can open. They cannot connect to a wildcard address, but it includes localhost. */
export function reachableUrl(host: string, port: string): string {
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`
  return isIPv6(host) ? `http://[${host}]:${port}` : `http://${host}:${port}`
}
