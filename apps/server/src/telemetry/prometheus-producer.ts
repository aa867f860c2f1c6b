import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api'
import { hrTime, type InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'

/** A value of a metric, as Prometheus's client returns it. */
interface Sample {
  value: number
  labels: Record<string, string | number | undefined>
  /** For histograms: which series the value belongs to, such as `…_bucket`. */
  metricName?: string
}

/** A metric with its values, as Prometheus's client returns it. */
export interface PrometheusMetric {
  name: string
  help: string
  type: string
  values: readonly Sample[]
}

export type ReadMetrics = () => Promise<readonly PrometheusMetric[]>

interface Options {
  read: ReadMetrics
  resource: Resource
  scope: InstrumentationScope
}

/**
 * Converts Prometheus metrics to OpenTelemetry, with the same names. Metrics are defined only once, and both exports
 * have the same values.
 */
export class PrometheusProducer implements MetricProducer {
  readonly #options: Options
  readonly #startTime = hrTime()

  constructor(options: Options) {
    this.#options = options
  }

  async collect(): Promise<CollectionResult> {
    const { read, resource, scope } = this.#options
    const times = { startTime: this.#startTime, endTime: hrTime() }
    const metrics = (await read()).flatMap((metric) => toMetricData(metric, times) ?? [])
    return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] }
  }
}

interface Times {
  startTime: HrTime
  endTime: HrTime
}

/** Undefined if the metric has no value yet, or no equivalent type. */
function toMetricData(metric: PrometheusMetric, times: Times): MetricData | undefined {
  if (metric.values.length === 0) return undefined
  const base = {
    descriptor: {
      name: metric.name,
      description: metric.help,
      unit: unitOf(metric.name),
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  }
  switch (metric.type) {
    case 'counter':
      return {
        ...base,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: toPoints(metric, times),
      }
    case 'gauge':
      return { ...base, dataPointType: DataPointType.GAUGE, dataPoints: toPoints(metric, times) }
    case 'histogram':
      return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: toHistograms(metric, times) }
    default:
      // OpenTelemetry's SDK does not support summaries, and only one of the process metrics is a summary.
      return undefined
  }
}

function toPoints({ values }: PrometheusMetric, times: Times): DataPoint<number>[] {
  return values.map(({ value, labels }) => ({ ...times, attributes: attributesOf(labels), value }))
}

/** Prometheus's buckets are cumulative, and their bounds are labels. */
function toHistograms({ name, values }: PrometheusMetric, times: Times): DataPoint<Histogram>[] {
  const points = new Map<string, DataPoint<Histogram> & { cumulative: number }>()
  for (const { metricName, value, labels } of values) {
    const { le, ...others } = labels
    const attributes = attributesOf(others)
    const key = JSON.stringify(attributes)
    let point = points.get(key)
    if (!point) {
      const empty: Histogram = { buckets: { boundaries: [], counts: [] }, count: 0 }
      point = { ...times, attributes, value: empty, cumulative: 0 }
      points.set(key, point)
    }
    const { value: histogram } = point
    if (metricName === `${name}_sum`) {
      histogram.sum = value
    } else if (metricName === `${name}_count`) {
      histogram.count = value
    } else {
      histogram.buckets.counts.push(value - point.cumulative)
      point.cumulative = value
      if (le !== '+Inf') histogram.buckets.boundaries.push(Number(le))
    }
  }
  return [...points.values()].map(({ cumulative: _, ...point }) => point)
}

function attributesOf(labels: Sample['labels']): Attributes {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined))
}

/** The unit in UCUM notation, from the suffix of the Prometheus name. */
function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return 's'
  return /_bytes(_total)?$/.test(name) ? 'By' : ''
}
