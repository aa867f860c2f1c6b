import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Contains all of IANA's global unicast space for IPv6 (RFC 4291). */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')
/** The metadata and agent service of Azure's virtual machines. Public by its range, but reached inside their network. */
const AZURE_WIRE_SERVER = '168.63.129.16'
/** IPv4 addresses behind a NAT64 (RFC 6052), in the last 32 bits. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96')

type Address = ReturnType<typeof ipaddr.parse>
type Range = ReturnType<typeof ipaddr.parseCIDR>

/**
 * Which hosts this server can call: public addresses over https, and hosts, addresses and ranges in an allowlist.
 *
 * An allowed host name allows all addresses it resolves to. Allowed hosts, addresses and ranges can also be called
 * over plain http, but not a name that only resolves into an allowed range.
 */
export class OutboundRules {
  readonly #names = new Set<string>()
  readonly #ranges: Range[] = []

  /** @param allowed host names, addresses and ranges such as `10.0.0.0/8`. */
  constructor(allowed: readonly string[]) {
    for (const entry of allowed) {
      const range = rangeOf(entry)
      if (range) this.#ranges.push(range)
      else this.#names.add(entry.toLowerCase())
    }
  }

  /** The rule that a URL violates, without resolving its host; undefined if none. */
  refusalOf(url: URL): string | undefined {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an http or https URL'
    if (url.username !== '' || url.password !== '') return 'must not contain a username or password'
    const host = hostOf(url)
    if (isIP(host) > 0 && !this.allowsAddress(host, host)) {
      return 'must not be an internal address, unless SOTTO_WEBHOOK_ALLOWED_HOSTS lists it'
    }
    if (url.protocol === 'http:' && !this.#isListed(host)) {
      return 'must be an https URL, unless SOTTO_WEBHOOK_ALLOWED_HOSTS lists the host'
    }
    return undefined
  }

  /** Whether a request to this host may connect to this address. */
  allowsAddress(address: string, host: string): boolean {
    if (this.#names.has(host.toLowerCase())) return true
    if (isIP(address) === 0) return false
    const parsed = ipaddr.process(address)
    return isPublic(parsed) || this.#isInRange(parsed)
  }

  #isListed(host: string): boolean {
    return this.#names.has(host) || (isIP(host) > 0 && this.#isInRange(ipaddr.process(host)))
  }

  #isInRange(address: Address): boolean {
    return this.#ranges.some((range) => range[0].kind() === address.kind() && address.match(range))
  }
}

/** The host of a URL, an IPv6 address without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

function rangeOf(entry: string): Range | undefined {
  const [address = ''] = entry.split('/', 1)
  if (isIP(address) === 0) return undefined
  if (address !== entry) return ipaddr.parseCIDR(entry)
  const parsed = ipaddr.process(entry)
  return [parsed, parsed.kind() === 'ipv4' ? 32 : 128]
}

function isPublic(address: Address): boolean {
  if (address instanceof ipaddr.IPv4) {
    return address.range() === 'unicast' && address.toString() !== AZURE_WIRE_SERVER
  }
  if (address.match(NAT64)) return isPublic(ipaddr.fromByteArray(address.toByteArray().slice(-4)))
  return address.match(GLOBAL_IPV6) && address.range() === 'unicast'
}
