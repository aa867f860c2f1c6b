import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { scrape, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '../../../..')
const read = (file: string) => readFile(path.join(root, file), 'utf8')

/** Names of metrics in expressions, with what a histogram's series have at their end taken off. */
function metricsIn(text: string): Set<string> {
  const names = text.match(/\b(sotto|nodejs|process)_[a-z0-9_]+/g) ?? []
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
}

/** The names of the documentation's table, and what every process has. */
async function known(): Promise<Set<string>> {
  const page = await read('docs/metrics.md')
  const own = [...page.matchAll(/^\| `(sotto_\w+)` \|/gm)].map(([, name = '']) => name)
  await using world = await startServer('sqlite', { settings: { metricsPort: 0 } })
  const { types } = await scrape(world)
  return new Set([...own, ...[...types.keys()].filter((name) => !name.startsWith('sotto_'))])
}

interface Dashboard {
  panels: { id: number; title: string; type: string; targets?: { expr: string }[] }[]
}

describe('docker/observability', () => {
  test.each(['alerts.yaml', 'dashboard.json'])('%s names metrics that there are', async (file) => {
    const named = metricsIn(await read(`docker/observability/${file}`))
    expect(named.size).toBeGreaterThan(10)
    const there = await known()
    expect([...named].filter((name) => !there.has(name))).toEqual([])
  })

  test('every metric of ours is on the dashboard', async () => {
    const shown = metricsIn(await read('docker/observability/dashboard.json'))
    const own = [...(await known())].filter((name) => name.startsWith('sotto_'))
    expect(own.filter((name) => !shown.has(name))).toEqual([])
  })

  test('every alert gives its reason, and says how urgent it is', async () => {
    const alerts = (await read('docker/observability/alerts.yaml')).split(/^ {6}- alert: /m).slice(1)
    expect(alerts.length).toBeGreaterThan(10)
    for (const alert of alerts) {
      expect(alert).toMatch(/^ {10}summary: \S/m)
      expect(alert).toMatch(/^ {10}reason: \S/m)
      expect(alert).toMatch(/severity: (page|ticket) \}/)
    }
  })

  test('every panel has an expression, and a place of its own', async () => {
    const { panels }: Dashboard = JSON.parse(await read('docker/observability/dashboard.json'))
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { title, type, targets } of panels) {
      if (type !== 'row') expect(targets?.[0]?.expr, title).toMatch(/\w/)
    }
  })
})
