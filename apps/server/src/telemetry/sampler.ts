import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api'
import { TraceFlags } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { TelemetrySettings } from './telemetry-settings.ts'

/** The sampler of the settings. Spans that link to a sampled span are always sampled. */
export function makeSampler({
  sampler,
  samplingRatio,
}: Pick<TelemetrySettings, 'sampler' | 'samplingRatio'>): Sampler {
  const [, root = ''] = /^(?:parentbased_)?(.*)$/.exec(sampler) ?? []
  const chosen = rootSampler(root, samplingRatio)
  return new LinkedSampler(
    sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root: chosen }) : chosen,
  )
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'traceidratio') return new TraceIdRatioBasedSampler(ratio)
  return name === 'always_on' ? new AlwaysOnSampler() : new AlwaysOffSampler()
}

/** The delivery of an event has its own trace, which would rarely be sampled together with that of its cause. */
class LinkedSampler implements Sampler {
  readonly #inner: Sampler

  constructor(inner: Sampler) {
    this.#inner = inner
  }

  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const isLinked = links.some((link) => (link.context.traceFlags & TraceFlags.SAMPLED) !== 0)
    return isLinked
      ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
      : this.#inner.shouldSample(context, traceId, spanName, spanKind, attributes, links)
  }

  toString(): string {
    return `Linked{${this.#inner.toString()}}`
  }
}
