import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { scrape, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '../../../..')
const read = (file: string) => readFile(path.join(root, file), 'utf8')

/** The metric names in expressions, without the suffixes of histogram series. */
function metricsIn(text: string): Set<string> {
  const names = text.match(/\b(sotto|nodejs|process)_[a-z0-9_]+/g) ?? []
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
}

/** The documented metrics, and those of every Node.js process. */
async function knownMetrics(): Promise<Set<string>> {
  const page = await read('docs/metrics.md')
  const own = [...page.matchAll(/^\| `(sotto_\w+)` \|/gm)].map(([, name = '']) => name)
  await using server = await startServer('sqlite', { settings: { metricsPort: 0 } })
  const { types } = await scrape(server)
  return new Set([...own, ...[...types.keys()].filter((name) => !name.startsWith('sotto_'))])
}

interface Dashboard {
  panels: { id: number; title: string; type: string; targets?: { expr: string }[] }[]
}

describe('docker/observability', () => {
  test.each(['alerts.yaml', 'dashboard.json'])('%s only refers to metrics that exist', async (file) => {
    const used = metricsIn(await read(`docker/observability/${file}`))
    expect(used.size).toBeGreaterThan(10)
    const known = await knownMetrics()
    expect([...used].filter((name) => !known.has(name))).toEqual([])
  })

  test('the dashboard shows every Sotto metric', async () => {
    const shown = metricsIn(await read('docker/observability/dashboard.json'))
    const own = [...(await knownMetrics())].filter((name) => name.startsWith('sotto_'))
    expect(own.filter((name) => !shown.has(name))).toEqual([])
  })

  test('every alert has a summary, a reason and a severity', async () => {
    const alerts = (await read('docker/observability/alerts.yaml')).split(/^ {6}- alert: /m).slice(1)
    expect(alerts.length).toBeGreaterThan(10)
    for (const alert of alerts) {
      expect(alert).toMatch(/^ {10}summary: \S/m)
      expect(alert).toMatch(/^ {10}reason: \S/m)
      expect(alert).toMatch(/severity: (page|ticket) \}/)
    }
  })

  test('every panel has an expression and a unique id', async () => {
    const { panels }: Dashboard = JSON.parse(await read('docker/observability/dashboard.json'))
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { title, type, targets } of panels) {
      if (type !== 'row') expect(targets?.[0]?.expr, title).toMatch(/\w/)
    }
  })
})
