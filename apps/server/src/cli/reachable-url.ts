import { isIPv6 } from 'node:net'

/** An address that one can open: "all addresses" is none, and this machine's own is always among them. */
export function reachableUrl(host: string, port: string): string {
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`
  return isIPv6(host) ? `http://[${host}]:${port}` : `http://${host}:${port}`
}
