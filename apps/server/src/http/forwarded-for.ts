import type { IncomingMessage } from 'node:http'

/**
 * Reduces the entries of X-Forwarded-For to their addresses. Some proxies add the port (`203.0.113.6:50000`,
 * `[2001:db8::1]:50000`) or quotes, as in the Forwarded header, and each port would count as an address of its own.
 */
export function normalizeForwardedFor({ headers }: IncomingMessage): void {
  const list = headers['x-forwarded-for']
  if (list === undefined) return
  const entries = [list].flat().join(',').split(',')
  headers['x-forwarded-for'] = entries.map(addressIn).join(', ')
}

function addressIn(entry: string): string {
  const text = entry.trim().replace(/^"(.*)"$/, '$1')
  const [, v6 = text] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? []
  const [, v4 = v6] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(v6) ?? []
  return v4
}
