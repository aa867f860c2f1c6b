import { createServer } from 'node:net'
import type { Message } from '@sotto/contract'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  dialects,
  listen,
  openSse,
  openWs,
  type ServerProcess,
  spawnServer,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { type ReceivedSpan, startReceiver } from './receiver.ts'

const serviceKey = 'sk_a_key_that_goes_nowhere'
const secretText = 'meet me where nobody reads along'
const traceId = '0af7651916cd43dd8448eb211c80319c'
const callersSpanId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${callersSpanId}-01`

const headers = (as: string) => ({ authorization: `Bearer ${serviceKey}`, 'act-as': as })

async function start(using: 'sqlite' | 'postgres', settings: NodeJS.ProcessEnv) {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createEmptyDatabase(using))
  const server = stack.use(
    await spawnServer({ DATABASE_URL: url, SOTTO_SERVICE_KEY: serviceKey, ...settings }),
  )
  const client = createClient({ url: server.url, token: serviceKey })
  for (const username of ['alice', 'bob']) await client.users.create({ username })
  return { server, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function send(server: ServerProcess, more: Record<string, string> = {}): Promise<Message> {
  const response = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: { ...headers('alice'), 'content-type': 'application/json', ...more },
    body: JSON.stringify({ to: 'bob', text: secretText }),
  })
  expect(response.status).toBe(201)
  return (await response.json()) as Message
}

function only(spans: ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name)
  expect(found, `spans called ${name}`).toHaveLength(1)
  return found[0] as ReceivedSpan
}

const lines = (server: ServerProcess): Record<string, unknown>[] =>
  server.output.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

describe.each(dialects)('telemetry on %s', { timeout: 30_000 }, (using) => {
  test('tells of a send: the call in its caller’s trace, its statements, its delivery, and no content', async () => {
    await using receiver = await startReceiver()
    await using world = await start(using, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi,x-tenant=one',
      OTEL_SERVICE_NAME: 'chat',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    })
    const { server } = world
    const stream = await openSse(`${server.url}/v1/events`, headers('bob'))
    const { id } = await send(server, { traceparent })
    await stream.inbox.untilText(secretText)
    stream.close()
    expect(await server.stop()).toBe(0)

    const spans = receiver.spans()
    const call = only(spans, 'messages.send')
    expect(call).toMatchObject({ traceId, parentSpanId: callersSpanId, kind: 2, status: 0 })
    expect(call.attributes).toEqual({
      'sotto.transport': 'rest',
      'http.request.method': 'POST',
      'http.route': '/v1/messages',
      'http.response.status_code': 201,
    })
    const write = only(spans, 'messages.write')
    expect(write).toMatchObject({ traceId, parentSpanId: call.spanId })
    const statements = spans.filter((span) => span.parentSpanId === write.spanId)
    expect(statements.map(({ attributes }) => attributes['db.query.text'])).toContainEqual(
      expect.stringContaining('insert into "messages"'),
    )
    expect(new Set(statements.map(({ kind }) => kind))).toEqual(new Set([3]))
    expect(statements[0]?.attributes['db.system.name']).toBe(using === 'postgres' ? 'postgresql' : 'sqlite')
    const delivery = spans.find((span) => span.name === 'events.deliver' && span.links.includes(call.spanId))
    expect(delivery).toMatchObject({ kind: 5 })
    expect(delivery?.traceId).not.toBe(traceId)
    // A stream is a call until it is open.
    expect(only(spans, 'events.stream')).toMatchObject({ kind: 2, status: 0 })

    for (const { headers: sent, body } of receiver.bodies) {
      expect(sent).toMatchObject({ authorization: 'Basic YTpi', 'x-tenant': 'one' })
      for (const content of [secretText, serviceKey]) expect(body.includes(content)).toBe(false)
    }
    for (const name of ['alice', 'bob', id]) expect(JSON.stringify(spans)).not.toContain(name)
    for (const resource of receiver.resources()) {
      expect(resource).toMatchObject({
        'service.name': 'chat',
        'service.version': expect.stringMatching(/^\d/),
        'service.instance.id': expect.any(String),
        'deployment.environment.name': 'test',
      })
    }
  })

  test('joins the log to the traces, as it is printed and as it is sent', async () => {
    await using receiver = await startReceiver()
    await using world = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    await send(world.server, { traceparent })
    await world.server.stop()

    const call = only(receiver.spans(), 'messages.send')
    const joined = { trace_id: traceId, span_id: call.spanId }
    const line = lines(world.server).find((one) => one.path === '/v1/messages')
    expect(line).toMatchObject({ msg: 'request', ...joined, trace_flags: '01' })
    const logs = receiver.logs()
    expect(logs.find(({ attributes }) => attributes.path === '/v1/messages')).toMatchObject({
      severity: 'info',
      body: 'request',
      traceId,
      spanId: call.spanId,
      attributes: { method: 'POST', status: 201, requestId: line?.requestId },
    })
    expect(logs.map(({ body }) => body)).toEqual(lines(world.server).map(({ msg }) => msg))
    expect(logs.find(({ body }) => body === 'listening')).toMatchObject({ traceId: '', spanId: '' })
  })

  test('sends the metrics that Prometheus reads, under the same names', async () => {
    await using receiver = await startReceiver()
    await using world = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, METRICS_PORT: '0' })
    await send(world.server)
    await send(world.server)
    const { metrics: metricsUrl } = lines(world.server).find(({ msg }) => msg === 'listening') ?? {}
    const page = await (await fetch(String(metricsUrl))).text()
    await world.server.stop()

    const metrics = receiver.metrics()
    // What has no value yet is on the page by its type alone; for a summary there is nothing in OpenTelemetry's SDK.
    // And what is open in one moment need not be in another.
    const withValues = [...page.matchAll(/^# TYPE (\w+) (counter|gauge|histogram)$/gm)].filter(
      ([, name = '']) =>
        !name.startsWith('nodejs_active_') && new RegExp(`^${name}(_count)?[ {]`, 'm').test(page),
    )
    expect(withValues.length).toBeGreaterThan(20)
    const seen = new Set(metrics.map(({ name, type }) => `${name} ${type}`))
    for (const [, name, type] of withValues) expect([...seen]).toContain(`${name} ${type}`)

    const attributes = { operation: 'messages.send', transport: 'rest' }
    const points = (name: string) => metrics.findLast((metric) => metric.name === name)?.points
    expect(points('sotto_messages_sent_total')).toMatchObject([{ value: 2 }])
    expect(points('sotto_requests_total')).toContainEqual(
      expect.objectContaining({ attributes: { ...attributes, code: 'ok' }, value: 2 }),
    )
    const duration = points('sotto_request_duration_seconds')?.find(
      (point) => point.attributes.operation === 'messages.send',
    )
    expect(duration).toMatchObject({ attributes, value: 2 })
    expect(duration?.bounds.at(-1)).toBe(10)
    // One more than there are bounds, none of them cumulative.
    expect(duration?.buckets).toHaveLength((duration?.bounds.length ?? 0) + 1)
    expect(duration?.buckets.reduce((sum, count) => sum + count)).toBe(2)
  })

  test('traces calls over tRPC: alone, in a batch, over WebSocket, and those that fail', async () => {
    await using receiver = await startReceiver()
    await using world = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    const { url } = world.server
    const input = encodeURIComponent(JSON.stringify({ json: { user: 'alice' } }))
    await fetch(`${url}/trpc/users.get?input=${input}`, { headers: { ...headers('alice'), traceparent } })
    const inputs = encodeURIComponent(JSON.stringify({ 0: { json: { user: 'nobody' } }, 1: { json: {} } }))
    const batch = `${url}/trpc/users.get,conversations.list?batch=1&input=${inputs}`
    await fetch(batch, { headers: headers('alice') })
    const ws = await openWs(url, { authorization: `Bearer ${serviceKey}`, actAs: 'alice' }, {})
    ws.close()
    await world.server.stop()

    const spans = receiver.spans()
    const [alone, inBatch] = spans.filter(({ name }) => name === 'users.get')
    expect(alone).toMatchObject({ traceId, parentSpanId: callersSpanId, kind: 2 })
    const request = only(spans, 'batch')
    expect(request).toMatchObject({ kind: 2, parentSpanId: '' })
    // What a caller did wrong is no fault of the server.
    expect(inBatch).toMatchObject({ kind: 1, parentSpanId: request.spanId, status: 0 })
    expect(inBatch?.attributes).toEqual({ 'sotto.transport': 'rpc', 'error.type': 'USER_NOT_FOUND' })
    expect(only(spans, 'conversations.list')).toMatchObject({ kind: 1, parentSpanId: request.spanId })
    expect(only(spans, 'events.stream')).toMatchObject({ kind: 2, attributes: { 'sotto.transport': 'ws' } })
  })

  test('begins a trace of its own where the caller’s is none', async () => {
    await using receiver = await startReceiver()
    await using world = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    await send(world.server, { traceparent: '00-nonsense-01' })
    await world.server.stop()
    const call = only(receiver.spans(), 'messages.send')
    expect(call.parentSpanId).toBe('')
    expect(call.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
  })

  test('leaves out what the sampler leaves out, and what is not wanted', async () => {
    await using receiver = await startReceiver()
    await using world = await start(using, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/`,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    })
    await send(world.server)
    await send(world.server, { traceparent })
    await world.server.stop()
    expect(new Set(receiver.bodies.map(({ path }) => path))).toEqual(new Set(['/v1/traces']))
    expect(new Set(receiver.spans().map((span) => span.traceId))).toEqual(new Set([traceId]))
    // Lines name their trace, also where it is not kept.
    expect(lines(world.server).filter((line) => line.path === '/v1/messages' && line.trace_id)).toHaveLength(
      2,
    )
  })
})

describe('a receiver', { timeout: 30_000 }, () => {
  test('that is not there changes nothing, is named in the log once, and does not hold up a stop', async () => {
    const withPassword = 'http://collector:its-password@127.0.0.1:9/?key=its-key'
    await using world = await start('sqlite', { OTEL_EXPORTER_OTLP_ENDPOINT: withPassword })
    for (let i = 0; i < 50; i++) await send(world.server)
    const complaints = () => lines(world.server).filter(({ msg }) => msg === 'exporting telemetry failed')
    await expect.poll(complaints, { timeout: 15_000, interval: 100 }).toHaveLength(1)
    expect(complaints()[0]).toMatchObject({
      level: 40,
      endpoint: 'http://127.0.0.1:9/',
      problem: expect.stringContaining('ECONNREFUSED'),
    })
    expect(world.server.output.stdout).not.toMatch(/its-(password|key)/)
    await send(world.server)
    const stoppedAt = performance.now()
    expect(await world.server.stop()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(6_000)
    expect(complaints()).toHaveLength(1)
  })

  test('that never answers does not hold up a stop', async () => {
    await using silent = await listen(createServer(() => {}))
    const endpoint = `http://127.0.0.1:${silent.port}`
    await using world = await start('sqlite', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    await send(world.server)
    const stoppedAt = performance.now()
    expect(await world.server.stop()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(6_000)
  })

  test('is not asked for without its address: nothing of OpenTelemetry is loaded', async () => {
    await using world = await start('sqlite', { NODE_DEBUG: 'module', OTEL_SERVICE_NAME: 'chat' })
    await send(world.server)
    await world.server.stop()
    expect(world.server.output.stderr).toContain('fastify')
    expect(world.server.output.stderr).not.toContain('@opentelemetry')
    expect(lines(world.server).filter((line) => 'trace_id' in line)).toEqual([])
  })
})
