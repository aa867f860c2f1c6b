import ipaddr from 'ipaddr.js'

/** Half of an IPv6 address: what one customer is given at least (RFC 6177), with all addresses in it. */
const IPV6_NETWORK_BYTES = 8

/** How many addresses are remembered with their network: reading one takes longer than all the rest of a limit. */
const MAX_REMEMBERED = 10_000
const remembered = new Map<string, string>()

/** What stands for an address in limits: an IPv4 address itself, the /64 of an IPv6 one. */
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
  // Also takes an IPv4 address out of the IPv6 one that a socket for both shows it as.
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return Buffer.from(parsed.toByteArray().slice(0, IPV6_NETWORK_BYTES)).toString('hex')
}
