import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { expect, test } from 'vitest'

/*
 * `npm audit` does not work with every registry. So the known vulnerabilities of packages that process untrusted input
 * are listed here, and older versions cannot return unnoticed.
 */

interface Floor {
  name: string
  /** The first fixed versions, one per affected major version. */
  floors: readonly [string, ...string[]]
  advisories: readonly string[]
}

const known: readonly Floor[] = [
  {
    name: 'fastify',
    floors: ['5.12.2'],
    advisories: ['GHSA-3m5p-2c4r-xxw2', 'GHSA-444r-cwp2-x5xf', 'GHSA-jx2c-rxcm-jvmq'],
  },
  { name: '@fastify/websocket', floors: ['7.1.1'], advisories: ['GHSA-4pcg-wr6c-h9cq'] },
  { name: 'find-my-way', floors: ['9.7.0'], advisories: ['GHSA-c96f-x56v-gq3h'] },
  {
    name: 'fast-uri',
    floors: ['3.1.7', '4.1.3'],
    advisories: ['CVE-2026-84292', 'CVE-2026-84394', 'GHSA-5jgf-p345-68v8', 'GHSA-fph4-wmhf-6fwf'],
  },
  {
    name: 'ws',
    floors: ['8.21.0'],
    advisories: ['GHSA-96hv-2xvq-fx4p', 'GHSA-58qx-3vcg-4xpx', 'GHSA-3h5v-q93c-6h6q'],
  },
  { name: '@trpc/server', floors: ['11.8.0'], advisories: ['GHSA-43p4-m455-4f4j', 'GHSA-pj3v-9cm8-gvj8'] },
  { name: 'superjson', floors: ['1.8.1'], advisories: ['GHSA-5888-ffcr-r425'] },
  {
    name: 'kysely',
    floors: ['0.28.17'],
    advisories: ['GHSA-pv5w-4p9q-p3v2', 'GHSA-8cpq-38p9-67gx', 'GHSA-wmrf-hv6w-mr66'],
  },
  { name: 'cookie', floors: ['0.7.0'], advisories: ['GHSA-pxg6-pf52-xh8x'] },
  { name: 'jose', floors: ['4.15.5'], advisories: ['CVE-2024-28176', 'CVE-2022-36083'] },
  // Fixed in every release line in 2017. None since.
  { name: 'pg', floors: ['8.0.0'], advisories: ['CVE-2017-16082'] },
  { name: 'ajv', floors: ['8.18.0'], advisories: ['GHSA-2g4f-4pwh-qvx6'] },
  // Used by the benchmarks.
  {
    name: 'undici',
    floors: ['6.24.0', '7.24.0'],
    advisories: ['GHSA-vrm6-8vpv-qv8q', 'GHSA-4992-7rv2-5pvq'],
  },
]

const lockFile = readFileSync(path.join(import.meta.dirname, '../../pnpm-lock.yaml'), 'utf8')

/** The versions of a package in the lock file. */
function versionsOf(name: string): string[] {
  const entry = new RegExp(`^ {2}'?${name.replaceAll('.', '\\.')}@(\\d+\\.\\d+\\.\\d+)[^:]*:`, 'gm')
  return [...new Set([...lockFile.matchAll(entry)].map(([, version = '']) => version))]
}

function isFixed(version: string, floors: Floor['floors']): boolean {
  const [major] = version.split('.')
  const floor = floors.find((candidate) => candidate.split('.')[0] === major) ?? floors.at(-1) ?? ''
  return version.localeCompare(floor, 'en', { numeric: true }) >= 0
}

test.each(known)('$name is at least $floors: $advisories', ({ name, floors }) => {
  const versions = versionsOf(name)
  // Remove packages that are no longer used from the list.
  expect(versions).not.toEqual([])
  expect(versions.filter((version) => !isFixed(version, floors))).toEqual([])
})

test('the bundled SQLite is at least 3.51.3: CVE-2025-6965, CVE-2025-70873', () => {
  const requireHere = createRequire(path.join(import.meta.dirname, '../../packages/db/package.json'))
  // Its types are not installed here.
  const Sqlite = requireHere('better-sqlite3') as new (file: string) => SqliteDatabase
  const database = new Sqlite(':memory:')
  const { version } = database.prepare('select sqlite_version() as version').get()
  database.close()
  expect(isFixed(version, ['3.51.3'])).toBe(true)
})

interface SqliteDatabase {
  prepare(statement: string): { get(): { version: string } }
  close(): void
}

test('every package comes from the registry and is pinned by its hash', () => {
  const resolutions = [...lockFile.matchAll(/^ {4}resolution: (.*)$/gm)].map(([, resolution]) => resolution)
  expect(resolutions.length).toBeGreaterThan(100)
  expect(
    resolutions.filter((resolution) => !/^\{integrity: sha512-[\w+/=]+\}$/.test(resolution ?? '')),
  ).toEqual([])
})
