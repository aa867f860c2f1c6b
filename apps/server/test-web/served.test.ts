import { gzipSync } from 'node:zlib'
import { createTestServer, type TestServer } from '@sotto/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The maximum size of the initial scripts and styles. */
const FIRST_LOAD_GZIP_BYTES = 200_000

describe('the web client', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer({
      settings: { webClient: true, allowedOrigins: ['https://app.example.com'] },
    })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  async function assetsOfPage(): Promise<string[]> {
    const html = await (await server.fetch('/')).text()
    return [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
  }

  test.each([
    '/',
    '/welcome',
    '/sign-up',
    '/with/bob',
    '/groups/01900000-0000-7000-8000-000000000000',
    '/people',
    '/settings',
    '/console',
    '/console/users',
    '/console/users/alice',
  ])('is served at %s, uncached, with a strict Content-Security-Policy', async (path) => {
    const response = await server.fetch(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data: https:",
      'media-src https:',
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
  })

  test('has immutable assets, compressed if the client accepts it', async () => {
    const paths = await assetsOfPage()
    expect(new Set(paths.map((path) => path.split('.').at(-1)))).toEqual(new Set(['css', 'js', 'svg']))
    for (const path of paths) {
      const plain = await server.fetch(path)
      expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(plain.headers.get('vary')).toBe('origin, accept-encoding')
      expect(plain.headers.get('content-encoding')).toBeNull()
      const bytes = Buffer.from(await plain.arrayBuffer())
      for (const [accepts, encoding] of [
        ['gzip, deflate', 'gzip'],
        ['gzip, deflate, br, zstd', 'br'],
        ['br;q=0, gzip;q=0.5', 'gzip'],
        ['identity', null],
      ] as const) {
        const encoded = await server.fetch(path, { headers: { 'accept-encoding': accepts } })
        expect(encoded.headers.get('content-encoding'), accepts).toBe(encoding)
        expect(encoded.headers.get('etag') === plain.headers.get('etag'), accepts).toBe(encoding === null)
        const again = await server.fetch(path, {
          headers: { 'accept-encoding': accepts, 'if-none-match': encoded.headers.get('etag') ?? '' },
        })
        expect(again.status).toBe(304)
        if (encoding === null) expect(Buffer.from(await encoded.arrayBuffer()).equals(bytes)).toBe(true)
      }
    }
  })

  test('loads less than 200 kB initially', async () => {
    let total = 0
    for (const path of await assetsOfPage()) {
      total += gzipSync(Buffer.from(await (await server.fetch(path)).arrayBuffer())).byteLength
    }
    expect(total).toBeLessThan(FIRST_LOAD_GZIP_BYTES)
  })

  test('is not served at other paths', async () => {
    expect((await server.fetch('/nowhere')).status).toBe(404)
    expect((await server.fetch('/assets/nothing.js')).status).toBe(404)
    expect((await server.fetch('/', { method: 'POST' })).status).toBe(405)
  })
})

test('the web client can be turned off', async () => {
  await using server = await createTestServer({ settings: { webClient: false } })
  expect((await server.fetch('/')).status).toBe(404)
  expect((await server.fetch('/docs')).status).toBe(200)
})

test('the reference loads nothing from other hosts', async () => {
  await using server = await createTestServer()
  const html = await (await server.fetch('/docs')).text()
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url)
  expect(loaded.length).toBeGreaterThan(2)
  for (const url of loaded) {
    expect(url).toMatch(/^\/(?!\/)/)
    const asset = await server.fetch(url)
    expect(asset.status, url).toBe(200)
    if (url.endsWith('.css')) {
      expect(await asset.text()).not.toMatch(/(?:@import|url\()\s*["']?(?:https?:)?\/\//)
    }
  }
  expect(html).not.toMatch(/https?:\/\//)
})
