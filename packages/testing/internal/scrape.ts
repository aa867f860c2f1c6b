import type { Server } from '@sotto/server'

interface Sample {
  labels: Record<string, string>
  value: number
}

/** A server's metrics, parsed from Prometheus' text format, version 0.0.4. */
export interface Scrape {
  /** Each metric's type, by its name. */
  types: ReadonlyMap<string, string>
  /** Each metric's help text. */
  helps: ReadonlyMap<string, string>
  series(name: string): readonly Sample[]
  /** The value of the only series with at least these labels. Undefined if there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined
}

export async function scrape({ metricsUrl = '' }: Pick<Server, 'metricsUrl'>): Promise<Scrape> {
  const response = await fetch(metricsUrl)
  if (!response.ok) throw new Error(`${metricsUrl} returned ${response.status}`)
  return parse(await response.text())
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/

function parse(text: string): Scrape {
  const types = new Map<string, string>()
  const helps = new Map<string, string>()
  const samples = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    const [, kind, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind) {
      const texts = kind === 'HELP' ? helps : types
      if (texts.has(about)) throw new Error(`${kind} ${about} is repeated`)
      texts.set(about, rest)
    } else if (line !== '') {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
      if (name === undefined) throw new Error(`not a sample: ${line}`)
      const sample = { labels: labelsOf(labels), value: Number(value) }
      samples.set(name, [...(samples.get(name) ?? []), sample])
    }
  }
  const series = (name: string) => samples.get(name) ?? []
  return {
    types,
    helps,
    series,
    value(name, labels = {}) {
      const wanted = Object.entries(labels)
      const found = series(name).filter((sample) =>
        wanted.every(([label, value]) => sample.labels[label] === value),
      )
      if (found.length > 1) throw new Error(`${name} with ${JSON.stringify(labels)} matches several series`)
      return found[0]?.value
    },
  }
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => [label, value]),
  )
}
