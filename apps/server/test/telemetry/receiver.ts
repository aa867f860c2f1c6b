import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { listen } from '@sotto/testing/internal'
import { decodeFields, type Fields } from './protobuf.ts'

export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  /** 1 internal, 2 server, 3 client, 5 consumer. */
  kind: number
  attributes: Record<string, unknown>
  /** The ids of linked spans. */
  links: string[]
  /** 0 unset, 2 error. */
  status: number
}

export interface ReceivedLog {
  severity: string
  body: unknown
  attributes: Record<string, unknown>
  traceId: string
  spanId: string
}

export interface ReceivedMetric {
  name: string
  type: 'gauge' | 'counter' | 'histogram'
  points: { attributes: Record<string, unknown>; value: number; buckets: number[]; bounds: number[] }[]
}

/** Receives OTLP over HTTP, like a collector. */
export interface Receiver extends AsyncDisposable {
  url: string
  /** The requests received so far. */
  bodies: { path: string; headers: NodeJS.Dict<string | string[]>; body: Buffer }[]
  spans(): ReceivedSpan[]
  logs(): ReceivedLog[]
  metrics(): ReceivedMetric[]
  /** The resource attributes of each request. */
  resources(): Record<string, unknown>[]
}

export async function startReceiver(): Promise<Receiver> {
  const bodies: Receiver['bodies'] = []
  const http = createServer(async (request, response) => {
    const body = await buffer(request)
    bodies.push({ path: request.url ?? '', headers: request.headers, body })
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  const listening = await listen(http)

  /** ExportXServiceRequest.resource_x -> ResourceX.scope_x -> ScopeX.x. The field numbers are the same for all signals. */
  function items(signal: string): Fields[] {
    return bodies
      .filter(({ path }) => path === `/v1/${signal}`)
      .flatMap(({ body }) => decodeFields(body).messages(1))
      .flatMap((resource) => resource.messages(2))
      .flatMap((scope) => scope.messages(2))
  }
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    bodies,
    spans: () => items('traces').map(toSpan),
    logs: () => items('logs').map(toLog),
    metrics: () => items('metrics').map(toMetric),
    resources: () =>
      bodies
        .flatMap(({ body }) => decodeFields(body).messages(1))
        .flatMap((resource) => resource.messages(1))
        .map((resource) => attributesIn(resource, 1)),
  }
}

/*
 * The field numbers of opentelemetry-proto: trace/v1/trace.proto, logs/v1/logs.proto, metrics/v1/metrics.proto,
 * common/v1/common.proto.
 */

function toSpan(span: Fields): ReceivedSpan {
  return {
    traceId: span.hex(1),
    spanId: span.hex(2),
    parentSpanId: span.hex(4),
    name: span.text(5),
    kind: span.number(6),
    attributes: attributesIn(span, 9),
    links: span.messages(13).map((link) => link.hex(2)),
    status: span.messages(15)[0]?.number(3) ?? 0,
  }
}

function toLog(record: Fields): ReceivedLog {
  return {
    severity: record.text(3),
    body: record.messages(5).map(anyValue)[0],
    attributes: attributesIn(record, 6),
    traceId: record.hex(9),
    spanId: record.hex(10),
  }
}

function toMetric(metric: Fields): ReceivedMetric {
  const [gauge] = metric.messages(5)
  const [sum] = metric.messages(7)
  const [histogram] = metric.messages(9)
  const points = (gauge ?? sum ?? histogram)?.messages(1) ?? []
  return {
    name: metric.text(1),
    type: gauge ? 'gauge' : sum ? 'counter' : 'histogram',
    points: points.map((point) => ({
      attributes: attributesIn(point, histogram ? 9 : 7),
      value: histogram ? point.number(4) : point.double(4),
      buckets: histogram ? point.fixed64s(6) : [],
      bounds: histogram ? point.doubles(7) : [],
    })),
  }
}

function attributesIn(message: Fields, field: number): Record<string, unknown> {
  return Object.fromEntries(
    message.messages(field).map((pair) => [pair.text(1), pair.messages(2).map(anyValue)[0]]),
  )
}

/** AnyValue */
function anyValue(value: Fields): unknown {
  if (value.has(1)) return value.text(1)
  if (value.has(2)) return value.number(2) === 1
  if (value.has(3)) return value.number(3)
  return value.has(4) ? value.double(4) : undefined
}
