import { expect, test } from 'vitest'
import { networkOf } from '../src/limits/network-of.ts'

test.each([
  ['the addresses of one /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff:eeee:dddd:cccc'],
  ['an address and its longer spelling', '2001:db8::1', '2001:0DB8:0000:0000:0000:0000:0000:0001'],
  ['an IPv4 address over an IPv6 socket', '192.0.2.1', '::ffff:192.0.2.1'],
  ['an IPv4-mapped address in hexadecimal', '192.0.2.1', '::ffff:c000:201'],
  ['an address with a zone', 'fe80::1', 'fe80::2%eth0'],
])('%s are one network', (_, one, other) => {
  expect(networkOf(other)).toBe(networkOf(one))
})

test.each([
  ['two /64 networks', '2001:db8:1:2::1', '2001:db8:1:3::1'],
  ['two IPv4 addresses', '192.0.2.1', '192.0.2.2'],
  ['two IPv4 addresses over an IPv6 socket', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ['loopback and another address', '::1', '1::'],
])('%s are two networks', (_, one, other) => {
  expect(networkOf(other)).not.toBe(networkOf(one))
})
