import { createServer, type Socket } from 'node:net'
import { listen, startWebhookReceiver, status } from '@sotto/testing/internal'
import { afterEach, describe, expect, test } from 'vitest'
import { HttpSender, type ResolveHost } from '../../src/webhooks/http-sender.ts'
import { OutboundRules } from '../../src/webhooks/outbound-rules.ts'

const BODY = '{"type":"webhook.test"}'
const never = new AbortController().signal
const senders: HttpSender[] = []
afterEach(() => {
  for (const sender of senders.splice(0)) sender.close()
})

function senderTo(
  allowed: string[],
  options: { resolveHost?: ResolveHost; timeoutMs?: number } = {},
): HttpSender {
  const sender = new HttpSender({ rules: new OutboundRules(allowed), ...options })
  senders.push(sender)
  return sender
}

/** A TCP server that handles connections itself. */
async function startRaw(onConnection: (socket: Socket) => void): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  const listening = await listen(server)
  return { ...listening, url: `http://127.0.0.1:${listening.port}/` }
}

describe('the result of a request', () => {
  test.each([200, 204, 301, 302, 303, 404, 410, 500])('is the response status %i', async (code) => {
    await using receiver = await startWebhookReceiver()
    receiver.answer = status(code, { location: '/elsewhere', 'retry-after': '7' })
    const result = await senderTo(['127.0.0.1']).post(`${receiver.url}/a?b`, { 'x-test': 'yes' }, BODY, never)
    expect(result).toEqual({ status: code, retryAfter: '7' })
    expect(receiver.received).toMatchObject([{ path: '/a?b', body: BODY, headers: { 'x-test': 'yes' } }])
  })

  test('is a timeout if there is no response', async () => {
    await using silent = await startRaw(() => {})
    const result = await senderTo(['127.0.0.1'], { timeoutMs: 200 }).post(silent.url, {}, BODY, never)
    expect(result).toEqual({ status: undefined, error: 'no response within 0.2 s' })
  })

  test('is the status if the body stalls', async () => {
    await using half = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')
    })
    const result = await senderTo(['127.0.0.1'], { timeoutMs: 200 }).post(half.url, {}, BODY, never)
    expect(result).toMatchObject({ status: 200 })
  })

  test('is the status of an endless body, of which little is read', async () => {
    let written = 0
    const closed = Promise.withResolvers<void>()
    await using endless = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      const chunk = `1000\r\n${'x'.repeat(4_096)}\r\n`
      const more = () => {
        while (!socket.destroyed) {
          written += chunk.length
          if (!socket.write(chunk)) return
        }
      }
      socket.on('drain', more)
      socket.on('close', () => closed.resolve())
      more()
    })
    expect(await senderTo(['127.0.0.1']).post(endless.url, {}, BODY, never)).toMatchObject({ status: 200 })
    await closed.promise
    // No more than the buffers of the operating system hold.
    expect(written).toBeLessThan(16 * 1_024 * 1_024)
  })

  test.each([
    ['closes the connection', (socket: Socket) => socket.destroy(), /^(ECONNRESET|the request failed)$/],
    ['does not speak HTTP', (socket: Socket) => socket.end('SSH-2.0-OpenSSH\r\n'), /^HPE_/],
  ])('is an error code if the receiver %s', async (_, onConnection, expected) => {
    await using broken = await startRaw(onConnection)
    const result = await senderTo(['127.0.0.1']).post(broken.url, {}, BODY, never)
    expect(result).toEqual({ status: undefined, error: expect.stringMatching(expected) })
  })

  test('is ECONNREFUSED if nothing listens', async () => {
    const closed = await startRaw(() => {})
    await closed[Symbol.asyncDispose]()
    expect(await senderTo(['127.0.0.1']).post(closed.url, {}, BODY, never)).toEqual({
      status: undefined,
      error: 'ECONNREFUSED',
    })
  })

  test('is the abort reason', async () => {
    await using silent = await startRaw(() => {})
    const stop = new AbortController()
    const sent = senderTo(['127.0.0.1']).post(silent.url, {}, BODY, stop.signal)
    stop.abort(new Error('stopping'))
    await expect(sent).rejects.toThrow('stopping')
  })

  test('is that of a retry if a reused connection was closed', async () => {
    let connections = 0
    await using impatient = await startRaw((socket) => {
      connections++
      let answered = 0
      socket.on('data', () => {
        // Resets the connection on its second request.
        if (answered++ > 0) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 204 No Content\r\n\r\n')
      })
    })
    const sender = senderTo(['127.0.0.1'])
    for (let i = 0; i < 3; i++) {
      expect(await sender.post(impatient.url, {}, BODY, never)).toMatchObject({ status: 204 })
    }
    expect(connections).toBe(3)
  })
})

describe('redirects', () => {
  test.each([307, 308])('with %i are followed three times, with the body', async (code) => {
    await using receiver = await startWebhookReceiver()
    receiver.answer = (response, { path }) =>
      path === '/3'
        ? status(200)(response, receiver.received[0] as never)
        : void response.writeHead(code, { location: `/${Number(path.slice(1)) + 1}` }).end()
    const sender = senderTo(['127.0.0.1'])
    expect(await sender.post(`${receiver.url}/0`, {}, BODY, never)).toMatchObject({ status: 200 })
    expect(receiver.received.map(({ path, body }) => [path, body])).toEqual(
      ['/0', '/1', '/2', '/3'].map((path) => [path, BODY]),
    )
    receiver.answer = status(code, { location: '/again' })
    expect(await sender.post(receiver.url, {}, BODY, never)).toEqual({
      status: undefined,
      error: 'more than 3 redirects',
    })
  })

  test.each([
    ['http://127.0.0.2:1/', 'an internal address'],
    ['http://localhost:1/', 'an internal name'],
    ['https://inside.example/', 'a name that resolves to an internal address'],
    ['http://outside.example/', 'plain HTTP'],
    ['https://user:pw@outside.example/', 'credentials'],
    ['file:///etc/passwd', 'a file URL'],
  ])('to %s are not followed: %s', async (location) => {
    await using receiver = await startWebhookReceiver()
    receiver.answer = status(307, { location })
    const resolveHost: ResolveHost = async () => [{ address: '127.0.0.2', family: 4 }]
    const result = await senderTo(['127.0.0.1'], { resolveHost }).post(receiver.url, {}, BODY, never)
    expect(result).toEqual({ status: undefined, error: 'the address is internal and not allowed' })
  })
})

describe('host names', () => {
  test('are resolved once per connection, which goes to the checked address', async () => {
    await using receiver = await startWebhookReceiver()
    const lookups: string[] = []
    // A different address each time, like a DNS rebinding attack.
    const addresses = ['127.0.0.9', '127.0.0.1', '127.0.0.9']
    const resolveHost: ResolveHost = async (host) => {
      lookups.push(host)
      return [{ address: addresses[lookups.length - 1] ?? '', family: 4 }]
    }
    const sender = senderTo(['127.0.0.1', 'receiver.example'], { resolveHost })
    const rebinding = new HttpSender({ rules: new OutboundRules(['127.0.0.1/32']), resolveHost })
    senders.push(rebinding)
    const url = `https://rebinding.example:${receiver.port}/`
    expect(await rebinding.post(url, {}, BODY, never)).toEqual({
      status: undefined,
      error: 'the address is internal and not allowed',
    })
    // The allowed address does not speak TLS. A second lookup would have returned 127.0.0.9.
    expect(await rebinding.post(url, {}, BODY, never)).toMatchObject({
      error: expect.stringMatching(/SSL|PROTO/),
    })
    expect(lookups).toEqual(['rebinding.example', 'rebinding.example'])
    expect(await sender.post(`http://receiver.example:${receiver.port}/`, {}, BODY, never)).toMatchObject({
      error: 'ECONNREFUSED',
    })
    expect(receiver.received).toEqual([])
  })

  test('with several addresses connect only to an allowed one', async () => {
    await using receiver = await startWebhookReceiver()
    const resolveHost: ResolveHost = async () => [
      { address: '10.0.0.1', family: 4 },
      { address: '::ffff:127.0.0.2', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]
    const rules = new OutboundRules(['127.0.0.1'])
    const sender = new HttpSender({ rules, resolveHost })
    senders.push(sender)
    const result = await sender.post(`https://several.example:${receiver.port}/`, {}, BODY, never)
    expect(result).toMatchObject({ error: expect.stringMatching(/SSL|PROTO/) })
  })

  test('that resolve to internal addresses are rejected', async () => {
    const result = await senderTo([]).post('https://localhost:1/', {}, BODY, never)
    expect(result).toEqual({ status: undefined, error: 'the address is internal and not allowed' })
  })

  test('that do not exist are an error', async () => {
    const resolveHost: ResolveHost = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND nobody.example'), { code: 'ENOTFOUND' })
    }
    const result = await senderTo([], { resolveHost }).post('https://nobody.example/', {}, BODY, never)
    expect(result).toEqual({ status: undefined, error: 'ENOTFOUND' })
  })
})
