import { createServer } from 'node:net'
import type { Message } from '@sotto/contract'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  dialects,
  listen,
  openSse,
  openWs,
  type ServerHere,
  type StartedServer,
  serve,
  spawnServer,
  startSotto,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { type ReceivedSpan, startReceiver } from './receiver.ts'

const serviceKey = 'sk_a_key_that_goes_nowhere'
const secretText = 'meet me at the usual place'
const traceId = '0af7651916cd43dd8448eb211c80319c'
const callerSpanId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${callerSpanId}-01`

const headers = (as: string) => ({ authorization: `Bearer ${serviceKey}`, 'act-as': as })

/** @param serverWith `startSotto` for what is printed, `spawnServer` for exit codes */
async function start<Server extends ServerHere | StartedServer>(
  using: 'sqlite' | 'postgres',
  settings: NodeJS.ProcessEnv,
  serverWith: (settings: NodeJS.ProcessEnv) => Promise<Server>,
) {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createEmptyDatabase(using))
  const server = stack.use(
    await serverWith({ DATABASE_URL: url, SOTTO_SERVICE_KEY: serviceKey, ...settings }),
  )
  const client = createClient({ url: server.url, token: serviceKey })
  for (const username of ['alice', 'bob']) await client.users.create({ username })
  return { server, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function send(server: { url: string }, more: Record<string, string> = {}): Promise<Message> {
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
  expect(found, `spans named ${name}`).toHaveLength(1)
  return found[0] as ReceivedSpan
}

const lines = (server: StartedServer): Record<string, unknown>[] =>
  server.output.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

describe.each(dialects)('telemetry on %s', { timeout: 30_000 }, (using) => {
  test('traces a send with its caller, statements and delivery, but without content', async () => {
    await using receiver = await startReceiver()
    await using running = await start(
      using,
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi,x-tenant=one',
        OTEL_SERVICE_NAME: 'chat',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      },
      serve,
    )
    const { server } = running
    const stream = await openSse(`${server.url}/v1/events`, headers('bob'))
    const { id } = await send(server, { traceparent })
    await stream.inbox.untilText(secretText)
    stream.close()
    await server.close()

    const spans = receiver.spans()
    const call = only(spans, 'messages.send')
    expect(call).toMatchObject({ traceId, parentSpanId: callerSpanId, kind: 2, status: 0 })
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
    // The span of a stream ends when the stream is open.
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

  test('correlates printed and exported logs with traces', async () => {
    await using receiver = await startReceiver()
    await using running = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, startSotto)
    await send(running.server, { traceparent })
    await running.server.stop()

    const call = only(receiver.spans(), 'messages.send')
    const traceFields = { trace_id: traceId, span_id: call.spanId }
    const line = lines(running.server).find(({ path }) => path === '/v1/messages')
    expect(line).toMatchObject({ msg: 'request', ...traceFields, trace_flags: '01' })
    const logs = receiver.logs()
    expect(logs.find(({ attributes }) => attributes.path === '/v1/messages')).toMatchObject({
      severity: 'info',
      body: 'request',
      traceId,
      spanId: call.spanId,
      attributes: { method: 'POST', status: 201, requestId: line?.requestId },
    })
    expect(logs.map(({ body }) => body)).toEqual(lines(running.server).map(({ msg }) => msg))
    expect(logs.find(({ body }) => body === 'listening')).toMatchObject({ traceId: '', spanId: '' })
  })

  test('exports the metrics of the Prometheus endpoint under the same names', async () => {
    await using receiver = await startReceiver()
    await using running = await start(
      using,
      { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, METRICS_PORT: '0' },
      serve,
    )
    await send(running.server)
    await send(running.server)
    const page = await (await fetch(String(running.server.metricsUrl))).text()
    await running.server.close()

    const metrics = receiver.metrics()
    // Metrics without a value appear on the page only with their type, and OpenTelemetry's SDK has no summaries.
    // Active handles and requests may differ between the two readings.
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
    // One more bucket than bounds, and the counts are not cumulative.
    expect(duration?.buckets).toHaveLength((duration?.bounds.length ?? 0) + 1)
    expect(duration?.buckets.reduce((sum, count) => sum + count)).toBe(2)
  })

  test('traces tRPC calls: single, batched, failed and over WebSocket', async () => {
    await using receiver = await startReceiver()
    await using running = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, serve)
    const { url } = running.server
    const input = encodeURIComponent(JSON.stringify({ json: { user: 'alice' } }))
    await fetch(`${url}/trpc/users.get?input=${input}`, { headers: { ...headers('alice'), traceparent } })
    const inputs = encodeURIComponent(JSON.stringify({ 0: { json: { user: 'nobody' } }, 1: { json: {} } }))
    const batch = `${url}/trpc/users.get,conversations.list?batch=1&input=${inputs}`
    await fetch(batch, { headers: headers('alice') })
    const ws = await openWs(url, { authorization: `Bearer ${serviceKey}`, actAs: 'alice' }, {})
    ws.close()
    await running.server.close()

    const spans = receiver.spans()
    const [single, batched] = spans.filter(({ name }) => name === 'users.get')
    expect(single).toMatchObject({ traceId, parentSpanId: callerSpanId, kind: 2 })
    const request = only(spans, 'batch')
    expect(request).toMatchObject({ kind: 2, parentSpanId: '' })
    // Client errors do not set the error status.
    expect(batched).toMatchObject({ kind: 1, parentSpanId: request.spanId, status: 0 })
    expect(batched?.attributes).toEqual({ 'sotto.transport': 'rpc', 'error.type': 'USER_NOT_FOUND' })
    expect(only(spans, 'conversations.list')).toMatchObject({ kind: 1, parentSpanId: request.spanId })
    expect(only(spans, 'events.stream')).toMatchObject({ kind: 2, attributes: { 'sotto.transport': 'ws' } })
  })

  test('starts a new trace if the traceparent is invalid', async () => {
    await using receiver = await startReceiver()
    await using running = await start(using, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, serve)
    await send(running.server, { traceparent: '00-nonsense-01' })
    await running.server.close()
    const call = only(receiver.spans(), 'messages.send')
    expect(call.parentSpanId).toBe('')
    expect(call.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
  })

  test('respects the sampler and disabled exporters', async () => {
    await using receiver = await startReceiver()
    await using running = await start(
      using,
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/`,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0',
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
      },
      startSotto,
    )
    await send(running.server)
    await send(running.server, { traceparent })
    await running.server.stop()
    expect(new Set(receiver.bodies.map(({ path }) => path))).toEqual(new Set(['/v1/traces']))
    expect(new Set(receiver.spans().map((span) => span.traceId))).toEqual(new Set([traceId]))
    // Log lines contain the trace id even if the trace is not sampled.
    expect(
      lines(running.server).filter((line) => line.path === '/v1/messages' && line.trace_id),
    ).toHaveLength(2)
  })
})

describe('a collector', { timeout: 30_000 }, () => {
  test('that is unreachable affects no requests, is logged once and does not delay a shutdown', async () => {
    const withPassword = 'http://collector:its-password@127.0.0.1:9/?key=its-key'
    await using running = await start('sqlite', { OTEL_EXPORTER_OTLP_ENDPOINT: withPassword }, spawnServer)
    for (let i = 0; i < 50; i++) await send(running.server)
    const warnings = () => lines(running.server).filter(({ msg }) => msg === 'exporting telemetry failed')
    await expect.poll(warnings, { timeout: 15_000, interval: 100 }).toHaveLength(1)
    expect(warnings()[0]).toMatchObject({
      level: 40,
      endpoint: 'http://127.0.0.1:9/',
      problem: expect.stringContaining('ECONNREFUSED'),
    })
    expect(running.server.output.stdout).not.toMatch(/its-(password|key)/)
    await send(running.server)
    const stoppedAt = performance.now()
    expect(await running.server.stop()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(6_000)
    expect(warnings()).toHaveLength(1)
  })

  test('that never responds does not delay a shutdown', async () => {
    await using silent = await listen(createServer(() => {}))
    const endpoint = `http://127.0.0.1:${silent.port}`
    await using running = await start('sqlite', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, spawnServer)
    await send(running.server)
    const stoppedAt = performance.now()
    expect(await running.server.stop()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(6_000)
  })

  test('that is not configured means that OpenTelemetry is never loaded', async () => {
    await using running = await start(
      'sqlite',
      { NODE_DEBUG: 'module', OTEL_SERVICE_NAME: 'chat' },
      spawnServer,
    )
    await send(running.server)
    await running.server.stop()
    expect(running.server.output.stderr).toContain('fastify')
    expect(running.server.output.stderr).not.toContain('@opentelemetry')
    expect(lines(running.server).filter((line) => 'trace_id' in line)).toEqual([])
  })
})
