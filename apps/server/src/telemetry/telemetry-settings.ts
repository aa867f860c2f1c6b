/** The samplers of OpenTelemetry's specification. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

export interface TelemetrySettings {
  /** The URL of an OpenTelemetry collector for OTLP over HTTP, without the path of a signal. */
  endpoint: string
  headers: Record<string, string>
  serviceName: string
  resourceAttributes: Record<string, string>
  traces: boolean
  metrics: boolean
  logs: boolean
  sampler: (typeof SAMPLERS)[number]
  /** For the ratio samplers: the share of traces to sample, from 0 to 1. */
  samplingRatio: number
  metricIntervalMs: number
}

/**
 * Parses OpenTelemetry's list format, `key=value,other=value` with percent-encoded values.
 *
 * @returns undefined for invalid text.
 */
export function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: [string, string][] = []
  for (const part of text.split(',')) {
    const at = part.indexOf('=')
    const key = part.slice(0, Math.max(at, 0)).trim()
    if (!/^[\w.-]+$/.test(key)) return undefined
    try {
      pairs.push([key, decodeURIComponent(part.slice(at + 1).trim())])
    } catch {
      return undefined
    }
  }
  return Object.fromEntries(pairs)
}
