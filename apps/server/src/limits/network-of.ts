import ipaddr from 'ipaddr.js'

/** Half of an IPv6 address: every customer gets at least a /64 (RFC 6177). */
const IPV6_NETWORK_BYTES = 8

/** The maximum number of cached addresses: parsing one takes longer than the rest of a limit check. */
const MAX_REMEMBERED = 10_000
const remembered = new Map<string, string>()

/** The network that limits count: an IPv4 address itself, or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const known = remembered.get(address)
  if (known !== undefined) return known
  const network = read(address)
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(address, network)
  return network
}

function read(address: string): string {
  if (!ipaddr.isValid(address)) return address
  // Also unwraps IPv4-mapped IPv6 addresses.
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return Buffer.from(parsed.toByteArray().slice(0, IPV6_NETWORK_BYTES)).toString('hex')
}
