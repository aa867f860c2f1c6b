import { createTestServer, type TestServer } from '@sotto/testing'
import { calls, operations, rest } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/* HTTP handling, which does not depend on the database. */

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ users: ['alice', 'bob'] })
  await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
})
afterAll(() => server[Symbol.asyncDispose]())

const problem = (code: string, path?: string) => ({
  body: { code, ...(path !== undefined && { issues: [{ path, message: expect.any(String) }] }) },
})

describe('a refused call over tRPC', () => {
  test.each([
    ['GET /trpc/users.me', 'Bearer sk_wrong'],
    ['GET /trpc/users.me', 'Nonsense'],
    ['GET /trpc/users.wonders', undefined],
    ['GET /trpc/users.me,users.me?batch=1', 'Bearer sk_wrong'],
    [`GET /trpc/${Array.from({ length: 21 }, () => 'users.me').join()}?batch=1`, undefined],
    ['POST /trpc/messages.send', 'Bearer st_wrong'],
  ] as const)('names its request: %s with %s', async (line, authorization) => {
    const { headers, body } = await rest(server, line, {
      ...(authorization && { authorization }),
      headers: { 'x-request-id': 'the-request' },
    })
    expect(headers.get('x-request-id')).toBe('the-request')
    for (const { error } of [body].flat() as { error: { json: { data: { requestId: string } } } }[]) {
      expect(error.json.data.requestId).toBe('the-request')
    }
  })
})

describe('a list in the query', () => {
  test.each(['between=alice,bob', 'between=alice&between=bob'])('can be sent as %s', async (query) => {
    for (const more of ['', '&kind=text']) {
      const { status, body } = await rest(server, `GET /v1/messages?${query}${more}` as 'GET /')
      expect(status).toBe(200)
      expect((body as { items: object[] }).items).toHaveLength(1)
    }
  })

  test.each(['between=alice&between=bob&between=carol', 'between=alice,bob&between=carol'])(
    'has all repeated values: %s',
    async (query) => {
      expect(await rest(server, `GET /v1/messages?${query}` as 'GET /')).toMatchObject({
        status: 400,
        ...problem('INVALID_INPUT', 'between'),
      })
    },
  )

  test('can also be repeated for a stream', async () => {
    const closing = new AbortController()
    const response = await server.fetch('/v1/events?presence=alice&presence=bob', {
      headers: { authorization: `Bearer ${server.serviceKey}`, 'act-as': 'alice' },
      signal: closing.signal,
    })
    expect(response.status).toBe(200)
    closing.abort()
  })

  test('is the only field that can be repeated', async () => {
    expect(await rest(server, 'GET /v1/users?limit=1&limit=2')).toMatchObject({
      status: 400,
      ...problem('INVALID_INPUT', 'limit'),
    })
  })
})

describe('an error response', () => {
  test.each([
    ['GET /nowhere', 404, 'ROUTE_NOT_FOUND'],
    ['GET /v1/nowhere', 404, 'ROUTE_NOT_FOUND'],
    ['POST /v1/users/alice/correspondents', 405, 'METHOD_NOT_ALLOWED'],
    ['GET /v1/users?limit=0', 400, 'INVALID_INPUT'],
    ['GET /v1/users/nobody', 404, 'USER_NOT_FOUND'],
    ['GET /v1/conversations', 400, 'ACTOR_REQUIRED'],
  ] as const)('is a complete problem+json document: %s', async (line, status, code) => {
    const { status: received, headers, body } = await rest(server, line)
    expect(received).toBe(status)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({
      type: expect.stringMatching(/^urn:/),
      title: expect.stringMatching(/\S/),
      status,
      detail: expect.stringMatching(/\S/),
      code,
      requestId: headers.get('x-request-id'),
    })
  })

  test("has the caller's request id if it is valid, or a generated one", async () => {
    const get = (id: string) => rest(server, 'GET /v1/users/nobody', { headers: { 'x-request-id': id } })
    for (const id of ['abc', 'a.b:c_d-1', 'x'.repeat(128)]) {
      const { headers, body } = await get(id)
      expect([headers.get('x-request-id'), (body as { requestId: string }).requestId]).toEqual([id, id])
    }
    for (const id of ['', 'x'.repeat(129), 'a b', '{"a":1}', 'ü', "' OR 1"]) {
      const { headers } = await get(id)
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
    const overRpc = await server.fetch('/trpc/users.list', { headers: { 'x-request-id': 'rpc-1' } })
    expect(overRpc.headers.get('x-request-id')).toBe('rpc-1')
    expect(await overRpc.json()).toMatchObject({ error: { json: { data: { requestId: 'rpc-1' } } } })
  })
})

describe('routes', () => {
  const paths = [...new Set(operations.map(({ entry }) => entry.http.path))]
  test.each(paths)('%s lists its methods in Allow', async (path) => {
    const methods = operations
      .filter(({ entry }) => entry.http.path === path)
      .map(({ entry }) => entry.http.method)
    const filled = path.replaceAll(/\{\w+\}/g, 'x') as '/x'
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (methods.includes(method as 'GET')) continue
      const { status, headers, body } = await rest(server, `${method} ${filled}`)
      expect([status, body]).toMatchObject([405, { code: 'METHOD_NOT_ALLOWED' }])
      const allowed = (headers.get('allow') ?? '').split(', ')
      expect(allowed).toEqual(expect.arrayContaining(methods))
      expect(allowed).not.toContain(method)
      expect(allowed.includes('HEAD')).toBe(
        calls.some(({ entry }) => entry.http.path === path && entry.http.method === 'GET'),
      )
    }
  })

  test('/healthz and /readyz need no credentials', async () => {
    for (const path of ['/healthz', '/readyz'] as const) {
      const { status, headers } = await rest(server, `GET ${path}`, { authorization: null })
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    }
  })

  test.each(['/healthz', '/readyz', '/openapi.json', '/docs'] as const)(
    '%s only allows reads',
    async (path) => {
      const answer = await rest(server, `POST ${path}`, { json: {} })
      expect(answer).toMatchObject({ status: 405, ...problem('METHOD_NOT_ALLOWED') })
      expect(answer.headers.get('allow')).toMatch(/GET/)
    },
  )

  test.each([
    'GET /',
    'GET /v1',
    'GET /v1/',
    'GET /v2/users',
    'GET /v1//users',
    'GET /V1/users',
    'POST /v1/likes',
  ] as const)('%s is not found', async (line) => {
    expect(await rest(server, line)).toMatchObject({ status: 404, ...problem('ROUTE_NOT_FOUND') })
  })

  test('respond to HEAD like GET, without a body', async () => {
    const get = await rest(server, 'GET /v1/users')
    const head = await rest(server, 'HEAD /v1/users')
    expect([head.status, head.body]).toEqual([200, ''])
    expect(head.headers.get('content-length')).toBe(String(JSON.stringify(get.body).length))
    expect((await rest(server, 'HEAD /v1/users/nobody')).status).toBe(404)
  })

  test('forbid caching', async () => {
    for (const line of ['GET /v1/users', 'GET /v1/users/nobody', 'GET /readyz'] as const) {
      expect((await rest(server, line)).headers.get('cache-control')).toBe('no-store')
    }
    const rpc = await server.fetch('/trpc/users.list?input=%7B%22json%22%3A%7B%7D%7D', {
      headers: { authorization: `Bearer ${server.serviceKey}` },
    })
    expect(rpc.status).toBe(200)
    expect(rpc.headers.get('cache-control')).toBe('no-store')
  })
})

describe('a request body', () => {
  const post = (request: Parameters<typeof rest>[2]) =>
    rest(server, 'POST /v1/messages', { as: 'alice', ...request })
  const valid = '{"to":"bob","text":"x"}'

  test.each([
    ['not JSON', '{"to":"bob",'],
    ['an empty string', ''],
    ['JSON with a trailing comma', '{"to":"bob","text":"x",}'],
    ['two documents', `${valid}${valid}`],
    ['an array', `[${valid}]`],
    ['a string', '"text"'],
    ['a number', '1'],
    ['null', 'null'],
    ['JSON with NaN', '{"to":NaN}'],
    ['an object with __proto__', '{"to":"bob","text":"x","__proto__":{"from":"bob"}}'],
    ['an object with constructor', '{"to":"bob","text":"x","constructor":{"prototype":{"from":"bob"}}}'],
    [
      'an object with a nested __proto__',
      '{"to":"bob","image":{"url":"https://example.com","__proto__":{"alt":"x"}}}',
    ],
  ])('that is %s is INVALID_INPUT', async (_, body) => {
    const answer = await post({ body })
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'INVALID_INPUT',
        issues: expect.arrayContaining([{ path: expect.any(String), message: expect.any(String) }]),
      },
    })
  })

  test.each([
    ['an invalid byte', [0xff]],
    ['a truncated sequence', [0xf0, 0x9f, 0x99]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0xbd]],
  ])('in UTF-8 with %s is INVALID_INPUT, also over RPC', async (_, bytes) => {
    const around = (before: string, after: string) =>
      new Uint8Array(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]))
    const overRest = await post({ body: around('{"to":"bob","text":"x', '"}') })
    expect(overRest).toMatchObject({ status: 400, ...problem('INVALID_INPUT', '') })
    const overRpc = await rest(server, 'POST /trpc/messages.send', {
      as: 'alice',
      body: around('{"json":{"to":"bob","text":"x', '"}}'),
    })
    expect(overRpc.status).toBe(400)
    expect(JSON.stringify(overRpc.body)).toContain('INVALID_INPUT')
  })

  test('with 50,000 nested arrays is INVALID_INPUT', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    expect(await post({ body: `{"to":"bob","text":${deep}}` })).toMatchObject({
      status: 400,
      ...problem('INVALID_INPUT', 'text'),
    })
    const rpc = await rest(server, 'POST /trpc/messages.send', {
      as: 'alice',
      body: `{"json":{"to":"bob","text":${deep}}}`,
    })
    expect(rpc.status).toBe(400)
  })

  test('larger than 1 MiB is PAYLOAD_TOO_LARGE, also over RPC', async () => {
    const large = JSON.stringify({ to: 'bob', text: 'x'.repeat(1_048_576) })
    expect(await post({ body: large })).toMatchObject({ status: 413, ...problem('PAYLOAD_TOO_LARGE') })
    const overRpc = await rest(server, 'POST /trpc/messages.send', { as: 'alice', body: `{"json":${large}}` })
    expect(overRpc).toMatchObject({ status: 413, ...problem('PAYLOAD_TOO_LARGE') })
    const fits = await post({ body: JSON.stringify({ to: 'bob', text: 'x'.repeat(1_000_000) }) })
    expect(fits).toMatchObject({ status: 400, ...problem('INVALID_INPUT', 'text') })
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'nonsense',
    'application/jsonp',
  ])('of type %s is UNSUPPORTED_MEDIA_TYPE', async (type) => {
    expect(await post({ body: valid, headers: { 'content-type': type } })).toMatchObject({
      status: 415,
      ...problem('UNSUPPORTED_MEDIA_TYPE'),
    })
  })

  test.each(['gzip', 'br', 'deflate', 'zstd', 'x-gzip', 'identity, gzip', 'nonsense'])(
    'encoded as %s is UNSUPPORTED_MEDIA_TYPE, also over RPC',
    async (encoding) => {
      const headers = { 'content-encoding': encoding, 'content-type': 'application/json' }
      for (const line of ['POST /v1/messages', 'POST /trpc/messages.send', 'POST /v1/nowhere'] as const) {
        const answer = await rest(server, line, { as: 'alice', body: valid, headers })
        expect(answer).toMatchObject({ status: 415, ...problem('UNSUPPORTED_MEDIA_TYPE') })
        expect(answer.headers.get('accept-encoding')).toBe('identity')
      }
    },
  )

  test.each(['identity', 'IDENTITY', ''])('with the encoding %j is accepted', async (encoding) => {
    expect((await post({ body: valid, headers: { 'content-encoding': encoding } })).status).toBe(201)
  })

  test('fits a text of the maximum length in its longest encoding', async () => {
    await using longTexts = await createTestServer({
      users: ['alice', 'bob'],
      settings: { maxTextLength: 200_000 },
    })
    const text = '\\ud83d\\ude00'.repeat(200_000)
    const message = `{"to":"bob","text":"${text}"}`
    const created = await rest(longTexts, 'POST /v1/messages', { as: 'alice', body: message })
    expect(created.status).toBe(201)
    const overRpc = await rest(longTexts, 'POST /trpc/messages.send', {
      as: 'alice',
      body: `{"json":${message}}`,
    })
    expect(overRpc.status).toBe(200)
    const { id } = created.body as { id: string }
    const edited = `{"text":"${text.replace('00', '01')}"}`
    expect((await rest(longTexts, `PATCH /v1/messages/${id}`, { as: 'alice', body: edited })).status).toBe(
      200,
    )
    const tooLong = `{"to":"bob","text":"x${text}"}`
    expect(await rest(longTexts, 'POST /v1/messages', { as: 'alice', body: tooLong })).toMatchObject({
      status: 400,
      ...problem('INVALID_INPUT', 'text'),
    })
  })

  test.each(['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON'])(
    'of type %s is accepted as JSON',
    async (type) => {
      expect((await post({ body: valid, headers: { 'content-type': type } })).status).toBe(201)
    },
  )

  test('is optional for operations without fields, whatever the content type', async () => {
    const { id } = await server.as('alice').messages.send({ to: 'bob', text: 'x' })
    for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
      for (const line of [`PUT /v1/messages/${id}/like`, `DELETE /v1/messages/${id}/like`] as const) {
        expect(
          await rest(server, line, { as: 'bob', headers }),
          JSON.stringify([line, headers]),
        ).toMatchObject({ status: 200 })
      }
    }
    expect((await rest(server, `PUT /v1/messages/${id}/like`, { as: 'bob', json: {} })).status).toBe(200)
  })

  test('with unknown fields, or fields of the path, is INVALID_INPUT', async () => {
    const { id } = await server.as('alice').messages.send({ to: 'bob', text: 'x' })
    for (const line of [
      `PUT /v1/messages/${id}/like`,
      `DELETE /v1/messages/${id}/like`,
      `DELETE /v1/messages/${id}`,
    ] as const) {
      const answer = await rest(server, line, { as: 'alice', json: { emoji: '🎉' } })
      expect(answer).toMatchObject({ status: 400, ...problem('INVALID_INPUT', 'emoji') })
    }
    expect(
      await rest(server, `PATCH /v1/messages/${id}`, { as: 'alice', json: { messageId: id, text: 'y' } }),
    ).toMatchObject({
      status: 400,
      ...problem('INVALID_INPUT', 'messageId'),
    })
    expect(
      await rest(server, `PATCH /v1/messages/${id}?text=y`, { as: 'alice', json: { text: 'y' } }),
    ).toMatchObject({
      status: 400,
      ...problem('INVALID_INPUT', 'text'),
    })
  })
})

describe('a query', () => {
  test.each([
    ['GET /v1/users?limit=5&limit=5', 'limit'],
    ['GET /v1/users?limit[]=5', 'limit[]'],
    ['GET /v1/users?q[a]=5', 'q[a]'],
    ['GET /v1/users?__proto__=5', '__proto__'],
    ['GET /v1/users?__proto__[limit]=5', '__proto__[limit]'],
    ['GET /v1/users?constructor=5', 'constructor'],
    ['GET /v1/users?toString=5', 'toString'],
    ['GET /v1/users?Limit=5', 'Limit'],
    ['GET /v1/users?user=alice', 'user'],
    ['GET /v1/users/alice?user=bob', 'user'],
    ['GET /v1/users?', undefined],
    ['GET /v1/users?q=', 'q'],
    ['GET /v1/messages?isRead=yes', 'isRead'],
    ['GET /v1/messages?isRead=', 'isRead'],
    ['GET /v1/messages?isRead=TRUE', 'isRead'],
    ['GET /v1/messages?between=alice', 'between'],
    ['GET /v1/messages?between=alice,bob,carol', 'between'],
    ['GET /v1/messages?between=', 'between'],
    ['GET /v1/messages?kind=Text', 'kind'],
    ['GET /v1/messages?since=yesterday', 'since'],
    ['GET /v1/messages?since=2026-02-30T00:00:00Z', 'since'],
    ['GET /v1/messages?since=2026-01-31', 'since'],
    ['GET /v1/messages?since=2026-01-31T12:00:00', 'since'],
    ['GET /v1/messages?until=1767225600000', 'until'],
    ['GET /v1/messages?until=%2B12026-01-31T12:00:00Z', 'until'],
    ['GET /v1/messages?since=2026-01-31T12:00:00Z', undefined],
    ['GET /v1/messages?since=2026-01-31T12:00:00.123456%2B02:00', undefined],
    ['GET /v1/messages?sender=%F0%9F%99%82', 'sender'],
  ] as const)('of %s is validated field by field: %s', async (line, path) => {
    const answer = await rest(server, line)
    if (path === undefined) expect(answer.status).toBe(200)
    else if (path === 'sender')
      expect(answer).toMatchObject({ status: 404, ...problem('USER_NOT_FOUND', 'sender') })
    else
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 'INVALID_INPUT', issues: [{ path: path.split('.')[0] }] },
      })
  })

  test('that is not UTF-8 is INVALID_INPUT', async () => {
    for (const q of ['%ff', '%c0%af', '%ed%a0%bd', '%', '%zz', '%1']) {
      expect(await rest(server, `GET /v1/users?q=${q}` as 'GET /'), q).toMatchObject({
        status: 400,
        ...problem('INVALID_INPUT', ''),
      })
    }
  })
})

describe('a path', () => {
  test('is decoded', async () => {
    const { id } = await server.as('alice').messages.send({ to: 'bob', text: 'x' })
    expect((await rest(server, 'GET /v1/users/%61lice')).body).toMatchObject({ username: 'alice' })
    const raw = await rest(server, `PUT /v1/messages/${id}/reactions/🎉`, { as: 'bob' })
    const encoded = await rest(server, `PUT /v1/messages/${id}/reactions/%F0%9F%8E%89`, { as: 'bob' })
    expect([raw.status, encoded.body]).toEqual([200, raw.body])
    expect(
      await rest(server, `PUT /v1/messages/${id}/reactions/${encodeURIComponent('#️⃣')}`, { as: 'bob' }),
    ).toMatchObject({ status: 200 })
    expect(await rest(server, 'GET /v1/users/a%2Fb')).toMatchObject({
      status: 404,
      ...problem('USER_NOT_FOUND'),
    })
    expect(await rest(server, 'GET /v1/users/alice%2Fcorrespondents')).toMatchObject({
      status: 404,
      ...problem('USER_NOT_FOUND'),
    })
    expect(await rest(server, 'GET /v1/users/%2e%2e%2fhealthz')).toMatchObject({ status: 404 })
    expect(await rest(server, 'GET /v1/users/al%00ice')).toMatchObject({
      status: 400,
      ...problem('INVALID_INPUT', 'user'),
    })
  })

  test.each(['%', '%f', '%zz', '%ff', '%c0%af', '%ed%a0%bd'])(
    'with %s is INVALID_INPUT with a request id',
    async (bad) => {
      const answer = await rest(server, `GET /v1/users/${bad}`, { headers: { 'x-request-id': 'bad-path' } })
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 'INVALID_INPUT', requestId: 'bad-path', issues: [{ message: expect.any(String) }] },
      })
      expect(answer.headers.get('x-request-id')).toBe('bad-path')
    },
  )
})

describe('tRPC', () => {
  const authorization = () => ({ authorization: `Bearer ${server.serviceKey}`, 'act-as': 'alice' })
  const post = async (path: string, body: unknown) => {
    const response = await server.fetch(`/trpc/${path}`, {
      method: 'POST',
      headers: { ...authorization(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const codeIn = (text: string) => /"code":"([A-Z_]+)"/.exec(text)?.[1]

  test('returns one result per call of a batch', async () => {
    const { status, text } = await post('messages.send,messages.send,users.nothing?batch=1', {
      0: { json: { to: 'bob', text: 'in a batch' } },
      1: { json: { to: 'nobody', text: 'x' } },
      2: { json: {} },
    })
    expect(status).toBe(207)
    const [sent, failed, unknown] = JSON.parse(text)
    expect(sent.result.data.json).toMatchObject({ text: 'in a batch', sender: 'alice' })
    expect(failed.error.json.data).toMatchObject({ code: 'USER_NOT_FOUND', httpStatus: 404 })
    expect(unknown.error.json.data).toMatchObject({ code: 'ROUTE_NOT_FOUND', httpStatus: 404 })
  })

  test('accepts at most 20 calls in a batch', async () => {
    const batch = (length: number) =>
      post(
        `${Array.from({ length }, () => 'sessions.end').join(',')}?batch=1`,
        Object.fromEntries(Array.from({ length }, (_, index) => [index, { json: {} }])),
      )
    expect((await batch(20)).status).toBe(200)
    const rejected = await batch(21)
    expect([rejected.status, codeIn(rejected.text)]).toEqual([400, 'INVALID_INPUT'])
    expect(rejected.text.length).toBeLessThan(2_000)
    const commas = await post(`${','.repeat(5_000)}?batch=1`, {})
    expect(commas.status).toBeGreaterThanOrEqual(400)
    expect(commas.status).toBeLessThan(500)
    expect(commas.text.length).toBeLessThan(2_000)
  })

  test.each([
    ['a Map', ['map']],
    ['a Set', ['set']],
    ['a RegExp', ['regexp']],
    ['a BigInt', ['bigint']],
    ['an Error', ['Error']],
    ['a URL', ['URL']],
    ['a symbol', [['symbol', 'x']]],
    ['a class', [['class', 'Object']]],
    ['a custom type', [['custom', 'x']]],
    ['a typed array', [['typed-array', 'Uint8Array']]],
    ['NaN', ['number']],
  ])('rejects %s in an input', async (_, annotation) => {
    const { status, text } = await post('messages.send', {
      json: { to: 'bob', text: 'x' },
      meta: { values: { text: annotation } },
    })
    expect([status, codeIn(text)]).toEqual([400, 'INVALID_INPUT'])
    expect(JSON.parse(text).error.json.data.issues).toHaveLength(1)
  })

  test.each([
    ['a Map', ['map'], []],
    ['a Set', ['set'], []],
    ['a RegExp', ['regexp'], '/x/'],
    ['an Error', ['Error'], { name: 'Error', message: 'x' }],
    ['a URL', ['URL'], 'https://example.com'],
    ['a Date', ['Date'], '2026-01-01T00:00:00.000Z'],
  ])('rejects %s as an input whose fields are all optional', async (_, annotation, json) => {
    const input = encodeURIComponent(JSON.stringify({ json, meta: { values: annotation } }))
    const response = await server.fetch(`/trpc/users.list?input=${input}`, { headers: authorization() })
    expect([response.status, codeIn(await response.text())]).toEqual([400, 'INVALID_INPUT'])
  })

  test.each([
    ['references', { referentialEqualities: { to: ['text'] } }],
    ['a path to a prototype', { values: { '__proto__.polluted': ['Date'] } }],
    ['a path to a constructor', { values: { 'constructor.prototype.polluted': ['undefined'] } }],
    ['an annotation that is not a list', { values: 'Date' }],
    ['annotations that are a list', ['Date']],
    ['annotations that are a string', 'Date'],
    ['annotations that are null', null],
    ['an unknown part', { other: 1 }],
    ['a tree in a leaf', { values: [['Date', { a: ['map'] }]] }],
  ])('rejects superjson metadata with %s', async (_, meta) => {
    const { status, text } = await post('messages.send', { json: { to: 'bob', text: 'x' }, meta })
    expect([status, codeIn(text)]).toEqual([400, 'INVALID_INPUT'])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('accepts Dates and undefined', async () => {
    const input = {
      json: { since: '2026-01-01T00:00:00.000Z', until: null },
      meta: { values: { since: ['Date'], until: ['undefined'] }, v: 1 },
    }
    const response = await server.fetch(
      `/trpc/messages.list?input=${encodeURIComponent(JSON.stringify(input))}`,
      { headers: authorization() },
    )
    expect(response.status).toBe(200)
    const bad = { json: { since: 'yesterday' }, meta: { values: { since: ['Date'] } } }
    const rejected = await server.fetch(
      `/trpc/messages.list?input=${encodeURIComponent(JSON.stringify(bad))}`,
      { headers: authorization() },
    )
    expect([rejected.status, codeIn(await rejected.text())]).toEqual([400, 'INVALID_INPUT'])
  })

  test.each([
    ['null', null],
    ['a string', 'x'],
    ['a list', []],
    ['no body', undefined],
    ['an envelope without json', {}],
    ['an envelope of null', { json: null }],
    ['an envelope of a list', { json: [] }],
  ])('rejects %s as an input', async (_, body) => {
    const { status, text } = await post('messages.send', body)
    expect([status, codeIn(text)]).toEqual([400, 'INVALID_INPUT'])
    expect(JSON.parse(text).error.json.data.issues).not.toEqual([])
  })

  test('rejects __proto__ and constructor in an input', async () => {
    for (const inner of ['"__proto__":{"from":"bob"}', '"constructor":{"prototype":{}}']) {
      const response = await server.fetch('/trpc/messages.send', {
        method: 'POST',
        headers: { ...authorization(), 'content-type': 'application/json' },
        body: `{"json":{"to":"bob","text":"x",${inner}}}`,
      })
      expect([response.status, codeIn(await response.text())]).toEqual([400, 'INVALID_INPUT'])
    }
  })

  test('rejects invalid JSON in the query and in the body', async () => {
    const query = await server.fetch('/trpc/users.list?input=%7B', { headers: authorization() })
    const body = await server.fetch('/trpc/messages.send', {
      method: 'POST',
      headers: { ...authorization(), 'content-type': 'application/json' },
      body: '{"json":',
    })
    for (const response of [query, body]) {
      const text = await response.text()
      expect([response.status, codeIn(text)]).toEqual([400, 'INVALID_INPUT'])
      expect(JSON.parse(text).error.json.data.issues).not.toEqual([])
    }
  })

  test('requires GET for queries and POST for mutations', async () => {
    const get = await server.fetch('/trpc/sessions.end', { headers: authorization() })
    const posted = await post('users.list', { json: {} })
    expect([get.status, codeIn(await get.text())]).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect([posted.status, codeIn(posted.text)]).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect((await post('nothing', {})).status).toBe(404)
    expect((await post('messages.__proto__', {})).status).toBe(404)
    expect((await post('toString', {})).status).toBe(404)
  })

  test.each([
    ['plain text', 'text/plain', '{"json":{"to":"bob","text":"x"}}'],
    [
      'a form',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="to"\r\n\r\nbob\r\n--x--\r\n',
    ],
    ['binary data', 'application/octet-stream', 'x'],
  ])('rejects a body that is %s', async (_, type, body) => {
    const response = await server.fetch('/trpc/messages.send', {
      method: 'POST',
      headers: { ...authorization(), 'content-type': type },
      body,
    })
    expect([response.status, codeIn(await response.text())]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })
})
