import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/* Malformed requests and input. Slow or numerous connections are tested by `pnpm reliability hostile`. */

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite', { users: ['alice', 'bob'] })
})
afterAll(() => server[Symbol.asyncDispose]())

/** Sends raw bytes. Returns everything received until the server closes the connection. */
function sendRaw(...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
    for (const part of parts) socket.write(part)
  })
}

const post =
  'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n'
const upgrade = 'GET /trpc HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n'

describe('a malformed request gets an error and a closed connection', () => {
  test.each([
    ['not HTTP', 'hello\r\n\r\n', 400],
    ['512 KiB of garbage', 'x'.repeat(524_288), 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['a header that is too large', `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(500_000)}\r\n\r\n`, 413],
    ['a URL that is too large', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 413],
    [
      'a long URL',
      `GET /v1/users/${'x'.repeat(15_000)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      404,
    ],
    ['ten thousand headers', `GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, 413],
    ['two content lengths', `${post}content-length: 4\r\ncontent-length: 5\r\n\r\nnull`, 400],
    [
      'both a content length and chunks',
      `${post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a chunk with an invalid length', `${post}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
    [
      'chunks without end',
      `${post}transfer-encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(17)}`,
      413,
    ],
    ['an unknown expectation', `${post}expect: wonders\r\ncontent-length: 2\r\n\r\n{}`, 401],
    ['an upgrade to an unknown protocol', `${upgrade.replace('websocket', 'wonders')}\r\n`, 400],
    ['a handshake without a key', `${upgrade}sec-websocket-version: 13\r\n\r\n`, 400],
    ['a handshake with a body', `${upgrade.replace('GET', 'POST')}content-length: 4\r\n\r\nnull`, 400],
  ] as const)('%s', async (_, bytes, status) => {
    const answer = await sendRaw(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json/i)
    expect(answer).toMatch(/\r\nx-content-type-options: nosniff\r\n/)
    expect(answer).toMatch(/\r\ncontent-security-policy: default-src 'none'/)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status })
  })

  test('HTTP/1.0 and pipelined requests work', async () => {
    expect(await sendRaw('GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
    const head = 'GET /healthz HTTP/1.1\r\nhost: x\r\n'
    const answers = await sendRaw(`${head}\r\n`.repeat(100), `${head}connection: close\r\n\r\n`)
    expect(answers.match(/HTTP\/1.1 200 /g)).toHaveLength(101)
  })

  test('a truncated body is not logged as an error', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write(`${post}content-length: 100\r\n\r\n{`, () => socket.destroy())
    await wait(200)
    expect(server.logs.filter((line) => /"level":(40|50|60)/.test(line))).toEqual([])
  })
})

describe('hostile JSON is rejected as invalid input within a second', () => {
  const digits = '9'.repeat(1_000_000)
  test.each([
    ['a number of a million digits', `{"to":"bob","text":${digits}}`],
    ['a fraction of a million digits', `{"to":"bob","text":0.${digits}}`],
    ['100,000 nested arrays', `{"to":"bob","text":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['100,000 nested objects', `{"to":"bob","text":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['70,000 fields', `{${Array.from({ length: 70_000 }, (_, i) => `"f${i}":1`).join()}}`],
    ['a field name of a million characters', `{"${'f'.repeat(1_000_000)}":1}`],
    ['__proto__', '{"to":"bob","text":"x","__proto__":{"from":"bob"}}'],
    ['an escaped __proto__', '{"to":"bob","text":"x","\\u005f_proto__":{"from":"bob"}}'],
    ['a nested __proto__', '{"to":"bob","image":{"__proto__":{"url":"https://x.example"}}}'],
    ['constructor', '{"to":"bob","text":"x","constructor":{"prototype":{"from":"bob"}}}'],
    ['a username of a million characters', `{"to":"${'a'.repeat(1_000_000)}","text":"x"}`],
    ['a text of 300,000 zero-width joiners', `{"to":"bob","text":"${'\u200d'.repeat(300_000)}"}`],
  ])('%s', async (_, body) => {
    for (const [path, payload] of [
      ['/v1/messages', body],
      ['/trpc/messages.send', `{"json":${body}}`],
    ] as const) {
      const began = performance.now()
      const answer = await fetch(server.url + path, {
        method: 'POST',
        headers: { ...server.headers('alice'), 'content-type': 'application/json' },
        body: payload,
      })
      const text = await answer.text()
      expect([path, answer.status]).toEqual([path, 400])
      expect(text).toContain('"INVALID_INPUT"')
      expect(text.length).toBeLessThan(10_000)
      // Other calls of this process wait meanwhile.
      expect(performance.now() - began).toBeLessThan(1_000)
    }
    expect(({} as { from?: unknown }).from).toBeUndefined()
  })

  test('a batch of 1 MiB', async () => {
    const calls = Array.from({ length: 20 }, (_, i) => [i, { json: { to: 'bob', text: 'x'.repeat(52_000) } }])
    const path = Array.from({ length: 20 }, () => 'messages.send').join()
    const answer = await fetch(`${server.url}/trpc/${path}?batch=1`, {
      method: 'POST',
      headers: { ...server.headers('alice'), 'content-type': 'application/json' },
      body: JSON.stringify(Object.fromEntries(calls)),
    })
    expect(answer.status).toBe(400)
    expect((await answer.text()).match(/"INVALID_INPUT"/g)).toHaveLength(20)
  })
})

describe('a WebSocket', () => {
  const handshake = `${upgrade}sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`

  /** A client's frame, masked with zeros. */
  function frame(firstByte: number, payload: string | Buffer, length = Buffer.byteLength(payload)): Buffer {
    const head = Buffer.alloc(14)
    head[0] = firstByte
    head[1] = 0x80 | 127
    head.writeBigUInt64BE(BigInt(length), 2)
    return Buffer.concat([head, Buffer.from(payload)])
  }

  test.each([
    ['a reserved bit', frame(0xf1, 'x'), 1002],
    ['an unknown opcode', frame(0x83, 'x'), 1002],
    ['compression that was not negotiated', frame(0xc1, 'x'), 1002],
    ['no mask', Buffer.from([0x81, 0x01, 0x78]), 1002],
    ['a continuation without a message', frame(0x80, 'x'), 1002],
    ['a ping of 1,000 bytes', frame(0x89, 'x'.repeat(1_000)), 1002],
    ['invalid UTF-8', frame(0x81, Buffer.from([0xff])), 1007],
    ['a message of 2^53 bytes', frame(0x81, '', Number.MAX_SAFE_INTEGER), 1009],
    ['a message larger than 1 MiB', frame(0x81, '', 1_048_577), 1009],
    [
      '2,000 fragments',
      Buffer.concat([frame(0x01, 'x'), ...Array.from({ length: 2_000 }, () => frame(0x00, 'x'))]),
      1008,
    ],
  ])('that sends %s is closed, and nothing is logged as an error', async (_, bytes, code) => {
    const answer = Buffer.from(await sendRaw(`${handshake}\r\n`, bytes), 'latin1')
    const closing = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    expect([closing[0], closing.readUInt16BE(2)]).toEqual([0x88, code])
    expect(server.logs.filter((line) => /"level":(40|50|60)/.test(line))).toEqual([])
  })

  test('is not compressed, so that a small message cannot expand', async () => {
    const answer = await sendRaw(
      `${handshake}sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\r\n`,
      frame(0x88, ''),
    )
    expect(answer).toMatch(/^HTTP\/1.1 101 /)
    expect(answer).not.toMatch(/extensions/i)
  })

  test.each([
    'x',
    '{',
    'null',
    '[]',
    '{}',
    '{"id":null,"method":"query","params":{"path":"users.list"}}',
    '{"id":1,"method":"wonders"}',
    '{"id":1,"method":"query"}',
    '{"id":1,"method":"query","params":null}',
    '{"id":1,"method":"query","params":{"path":["users.list"]}}',
    '{"id":1,"method":"query","params":{"path":"__proto__"}}',
    '{"id":1,"method":"query","params":{"path":"users.list","input":1}}',
    '{"id":{},"method":"query","params":{"path":"users.list"}}',
    `[${Array.from({ length: 21 }, () => '{"id":1,"method":"query","params":{"path":"users.list"}}').join()}]`,
    `${'['.repeat(100_000)}`,
    '{"id":1,"method":"subscription.stop"}',
    '{"method":"connectionParams","data":1}',
  ])('that sends %s stays usable or is closed', async (message) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc`)
    const ended = new Promise<string>((resolve) => socket.addEventListener('close', () => resolve('closed')))
    const answered = new Promise<string>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        if (String(data).includes('"id":99')) resolve('answered')
      })
    })
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    socket.send(message)
    socket.send('{"id":99,"method":"query","params":{"path":"users.list","input":{"json":{}}}}')
    expect(await Promise.race([ended, answered])).toMatch(/closed|answered/)
    socket.close()
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(server.logs.filter((line) => /"level":(40|50|60)/.test(line))).toEqual([])
  })
})
