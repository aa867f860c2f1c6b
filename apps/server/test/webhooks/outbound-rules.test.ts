import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/index.ts'
import { OutboundRules } from '../../src/webhooks/outbound-rules.ts'

const PUBLIC = ['8.8.8.8', '1.1.1.1', '100.63.255.255', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450::1']
const INTERNAL = {
  'this host': ['0.0.0.0', '0.1.2.3', '::'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  'link-local': ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1'],
  'cloud metadata': [
    '169.254.169.254',
    '100.100.100.200',
    'fd00:ec2::254',
    '168.63.129.16',
    '::ffff:168.63.129.16',
    '64:ff9b::168.63.129.16',
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  broadcast: ['255.255.255.255'],
  'reserved or for documentation': [
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '240.0.0.1',
    '100::1',
    '2001:db8::1',
    '3fff::1',
    '5f00::1',
    '4000::1',
  ],
  'IPv4 mapped into IPv6': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:169.254.169.254'],
  'IPv4 embedded in other IPv6 formats': [
    '::7f00:1',
    '::10.0.0.1',
    '::ffff:0:7f00:1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
  ],
  'IPv4 behind NAT64': ['64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::7f00:1'],
  'invalid addresses': ['', 'localhost', '127.1', '1.2.3'],
}

describe('webhook addresses', () => {
  const rules = new OutboundRules([])

  test.each(PUBLIC)('can be public: %s', (address) => {
    expect(rules.allowsAddress(address, 'hooks.example')).toBe(true)
  })

  test('can be public IPv4 addresses that are mapped or translated', () => {
    expect(rules.allowsAddress('::ffff:8.8.8.8', 'hooks.example')).toBe(true)
    expect(rules.allowsAddress('64:ff9b::808:808', 'hooks.example')).toBe(true)
  })

  test.each(Object.entries(INTERNAL))('cannot be internal: %s', (_, addresses) => {
    for (const address of addresses)
      expect(rules.allowsAddress(address, 'hooks.example'), address).toBe(false)
  })

  test.each([
    'http://hooks.example/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://127.0.0.1./',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://user:password@hooks.example/',
    'https://user@hooks.example/',
    'ftp://hooks.example/',
    'file:///etc/passwd',
  ])('are checked before a DNS lookup: %s is rejected', (url) => {
    expect(rules.refusalOf(new URL(url))).toMatch(/^must /)
  })

  test.each(['https://hooks.example/', 'https://hooks.example:8443/a?b', 'https://8.8.8.8/'])(
    'are checked before a DNS lookup: %s is accepted',
    (url) => {
      expect(rules.refusalOf(new URL(url))).toBeUndefined()
    },
  )
})

describe('the operator can allow', () => {
  const rules = new OutboundRules(['hooks.internal', '10.1.0.0/16', '127.0.0.1', 'fd00::/8', '::1'])

  test('a host name, whatever its address', () => {
    expect(rules.allowsAddress('192.168.1.1', 'hooks.internal')).toBe(true)
    expect(rules.allowsAddress('192.168.1.1', 'HOOKS.internal')).toBe(true)
    expect(rules.allowsAddress('192.168.1.1', 'other.internal')).toBe(false)
    expect(rules.allowsAddress('192.168.1.1', 'sub.hooks.internal')).toBe(false)
  })

  test('addresses and ranges in every notation', () => {
    const allowed = ['10.1.2.3', '::ffff:10.1.2.3', '127.0.0.1', 'fd12::1', '::1']
    for (const address of allowed) expect(rules.allowsAddress(address, 'a.example'), address).toBe(true)
    const rejected = ['10.2.0.1', '127.0.0.2', 'fc00::1', '::ffff:10.2.0.1']
    for (const address of rejected) expect(rules.allowsAddress(address, 'a.example'), address).toBe(false)
  })

  test('plain HTTP to listed hosts, but not to names that only resolve to them', () => {
    const allowed = ['http://hooks.internal/', 'http://10.1.2.3:8080/', 'http://[::1]/', 'http://127.0.0.1/']
    for (const url of allowed) expect(rules.refusalOf(new URL(url)), url).toBeUndefined()
    for (const url of ['http://other.internal/', 'http://10.2.0.1/', 'http://8.8.8.8/']) {
      expect(rules.refusalOf(new URL(url)), url).toMatch(/^must /)
    }
  })
})

describe('SOTTO_WEBHOOK_ALLOWED_HOSTS', () => {
  const read = (value: string) => readConfig({ SOTTO_WEBHOOK_ALLOWED_HOSTS: value }).webhookAllowedHosts

  test('accepts names, addresses and ranges', () => {
    const list = 'hooks.internal, Receiver, localhost,10.0.0.0/8,::1,fd00::/8,127.0.0.1'
    expect(read(list)).toHaveLength(7)
    expect(read('')).toEqual([])
  })

  test.each(['10.0.0.0/33', 'http://a', 'a:8080', 'a/b', '127.1', '[::1]', 'a b', 'user@a', ',', '*'])(
    'rejects %s',
    (value) => {
      expect(() => read(value)).toThrow(
        /^SOTTO_WEBHOOK_ALLOWED_HOSTS must be host names, addresses or ranges/,
      )
    },
  )
})
