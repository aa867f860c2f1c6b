/** What OpenTelemetry calls the ways to choose which calls are traced. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

export interface TelemetrySettings {
  /** Where an OpenTelemetry collector takes OTLP over HTTP, without the path of a signal. */
  endpoint: string
  headers: Record<string, string>
  serviceName: string
  resourceAttributes: Record<string, string>
  traces: boolean
  metrics: boolean
  logs: boolean
  sampler: (typeof SAMPLERS)[number]
  /** Of the samplers by ratio: how many of all traces, from 0 to 1. */
  samplingRatio: number
  metricIntervalMs: number
}

/**
 * Reads `key=value,other=value`, with percent-encoding in the values, as OpenTelemetry writes lists of them.
 *
 * @returns undefined for what is none.
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
