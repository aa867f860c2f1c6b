import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  listen,
  queryPostgres,
  sotto,
  spawnServer,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { readConfig, settingNames } from '../../src/settings/config.ts'
import { ConfigError } from '../../src/settings/config-error.ts'

/** Starts a server that must not come up: one line that names what is wrong, and that soon. */
async function expectRefusal(settings: NodeJS.ProcessEnv, ...named: string[]): Promise<void> {
  const startedAt = performance.now()
  const { code, stdout, stderr } = await sotto(['start'], { PORT: '0', ...settings })
  // A first start that comes as far as to make a key shows it.
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/^(\n {2}Service key .*)?$/s) })
  expect(stderr).toMatch(/^sotto: .+\n$/)
  for (const name of named) expect(stderr).toContain(name)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
}

function configErrorOf(settings: NodeJS.ProcessEnv): Error | undefined {
  try {
    readConfig(settings)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return error as ConfigError
  }
}

const memory = { DATABASE_URL: 'file::memory:' }

/** What each setting does not take. Several where it takes different things. */
const wrong: readonly (readonly [name: string, value: string])[] = [
  ['PORT', 'http'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['METRICS_PORT', '65536'],
  ['SOTTO_MAX_TEXT_LENGTH', '0'],
  ['SOTTO_MAX_TEXT_LENGTH', 'long'],
  ['SOTTO_SERVICE_KEY', 'secret'],
  ['SOTTO_SIGNUP', 'maybe'],
  ['SOTTO_SECRET', 'shorter than thirty-two'],
  ['SOTTO_JWT_SECRET', 'a secret of 31 bytes, which is '],
  ['SOTTO_JWT_JWKS_URL', 'keys.json'],
  ['SOTTO_JWT_JWKS_URL', 'http://example.com/keys.json'],
  ['SOTTO_JWT_JWKS_URL', 'http://localhost.example.com/keys.json'],
  ['SOTTO_JWT_JWKS_URL', 'file:///etc/passwd'],
  ['SOTTO_JWT_CREATE_USERS', 'yes'],
  ['SOTTO_DIRECT_MESSAGES', 'nobody'],
  ['LOG_LEVEL', 'loud'],
  ['SOTTO_LIMIT_SENDS', '60'],
  ['SOTTO_LIMIT_READS', '0/10s'],
  ['SOTTO_LIMIT_WRITES', '10/3601s'],
  ['SOTTO_LIMIT_KEYS', 'none'],
  ['DATABASE_URL', 'sotto.db'],
  ['DATABASE_URL', 'mysql://localhost/sotto'],
  ['DATABASE_DIRECT_URL', 'postgres://[/sotto'],
  ['HOST', '192.0.2.1'],
  ['HOST', 'no-such-host.invalid'],
  ['METRICS_PORT', 'metrics'],
  ['DATABASE_REPLICA_URL', 'postgres://127.0.0.1/sotto'],
  ['DATABASE_REPLICA_MAX_LAG_MS', '0'],
  ['SOTTO_MIGRATE', 'maybe'],
  ['SOTTO_WEB_CLIENT', 'maybe'],
  ['SOTTO_DRAIN_SECONDS', '3601'],
  ['DATABASE_POOL_SIZE', '0'],
  ['DATABASE_PREPARED_STATEMENTS', 'true'],
  ['REDIS_URL', 'localhost:6379'],
  ['SOTTO_MAX_STREAMS', '0'],
  ['SOTTO_LIMIT_LOGINS', '10/60'],
  ['SOTTO_LIMIT_STREAMS', '10 in 60s'],
  ['SOTTO_EVENT_RETENTION_DAYS', '0'],
  ['SOTTO_EVENT_RETENTION_DAYS', 'off'],
  ['SOTTO_MESSAGE_RETENTION_DAYS', '0'],
  ['SOTTO_MESSAGE_RETENTION_DAYS', '30d'],
  ['SOTTO_MESSAGE_RETENTION_DAYS', '-1'],
  ['SOTTO_MESSAGE_RETENTION_DAYS', '36501'],
  ['SOTTO_ALLOWED_ORIGINS', 'app.example.com'],
  ['SOTTO_ALLOWED_ORIGINS', 'https://app.example.com/'],
  ['SOTTO_ALLOWED_ORIGINS', '*'],
  ['SOTTO_WEBHOOK_ALLOWED_HOSTS', 'https://hooks.example'],
  ['SOTTO_TRUSTED_PROXIES', 'proxy.example.com'],
  ['SOTTO_TRUSTED_PROXIES', '10.0.0.0/33'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'Bearer abc'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz'],
  ['OTEL_TRACES_EXPORTER', 'jaeger'],
  ['OTEL_METRICS_EXPORTER', 'prometheus'],
  ['OTEL_LOGS_EXPORTER', 'console'],
  ['OTEL_TRACES_SAMPLER', 'sometimes'],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '60s'],
]

/** Those that take whatever text there is. */
const FREE = ['SOTTO_JWT_AUDIENCE', 'SOTTO_JWT_ISSUER', 'OTEL_SERVICE_NAME']
/** What is wrong with it shows when it is used: a test of its own, below. */
const SHOWN_LATER = ['METRICS_HOST']

describe('a setting that is wrong', () => {
  test('is looked at below for every setting that there is', () => {
    const covered = new Set([...wrong.map(([name]) => name), ...FREE, ...SHOWN_LATER])
    expect([...covered].toSorted()).toEqual(settingNames.toSorted())
  })

  test.each(wrong)('%s=%s is named', async (name, value) => {
    const settings = { ...memory, [name]: value }
    const error = configErrorOf(settings)
    // What the process prints of such an error is the same for all of them: the tests below start it.
    if (error) expect(error.message).toMatch(new RegExp(`^${name} .+$`))
    // Wrong only once the server uses it.
    else await expectRefusal(settings, name)
  })

  test('two sources of keys for tokens are one too many', async () => {
    const settings = { SOTTO_JWT_SECRET: 'x'.repeat(32), SOTTO_JWT_JWKS_URL: 'https://example.com/keys.json' }
    await expectRefusal({ ...memory, ...settings }, 'SOTTO_JWT_JWKS_URL', 'SOTTO_JWT_SECRET')
  })

  test('metrics have a port of their own', async () => {
    await expectRefusal({ ...memory, PORT: '4321', METRICS_PORT: '4321' }, 'METRICS_PORT', 'PORT')
  })

  test('an address for metrics that is not there', async () => {
    await expectRefusal({ ...memory, METRICS_PORT: '0', METRICS_HOST: '192.0.2.1' }, 'METRICS_HOST 192.0.2.1')
  })

  test('in a file is named with the file', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'setting')
    await writeFile(file, 'hunter2')
    const settings = { ...memory, SOTTO_SERVICE_KEY_FILE: file }
    await expectRefusal(settings, 'SOTTO_SERVICE_KEY_FILE must start with sk_')
    expect((await sotto(['start'], settings)).stderr).not.toContain('hunter2')
    await writeFile(file, '\n')
    await expectRefusal(settings, 'SOTTO_SERVICE_KEY_FILE', 'must be a file that is not empty')
    await expectRefusal({ ...memory, SOTTO_SECRET_FILE: `${file}-of-nobody` }, 'SOTTO_SECRET_FILE', 'ENOENT')
    await expectRefusal(
      { ...memory, DATABASE_URL_FILE: file },
      'DATABASE_URL_FILE cannot be set together with DATABASE_URL',
    )
  })

  test('a service key is not shown', async () => {
    const { stderr } = await sotto(['start'], { ...memory, SOTTO_SERVICE_KEY: 'hunter2' })
    expect(stderr).not.toContain('hunter2')
  })
})

test.each(['PORT', 'METRICS_PORT'])('a taken %s', async (name) => {
  await using other = await listen(createServer())
  await expectRefusal({ ...memory, [name]: String(other.port) }, `sotto: ${name} ${other.port}`)
})

test('a taken port shows all the same what a first start has made', async () => {
  await using directory = await createTemporaryDirectory()
  await using other = await listen(createServer())
  const settings = { DATABASE_URL: `file:${path.join(directory.path, 'sotto.db')}`, PORT: String(other.port) }
  const { code, stdout } = await sotto(['start'], settings)
  expect(code).toBe(1)
  expect(stdout).toMatch(/Service key +sk_\S+/)
  expect(stdout).toContain('sotto setup')
})

describe('a SQLite file', () => {
  test('that is no database', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'sotto.db')
    await writeFile(file, crypto.getRandomValues(new Uint8Array(50_000)))
    await expectRefusal({ DATABASE_URL: `file:${file}` }, file)
  })

  test('that was cut short', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'sotto.db')
    await sotto(['migrate'], { DATABASE_URL: `file:${file}` })
    await truncate(file, 9_000)
    await expectRefusal({ DATABASE_URL: `file:${file}` }, file)
  })

  test('that is a directory', async () => {
    await using directory = await createTemporaryDirectory()
    await expectRefusal({ DATABASE_URL: `file:${directory.path}` }, directory.path)
  })

  test('in a place that is a file', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'file')
    await writeFile(file, '')
    await expectRefusal({ DATABASE_URL: `file:${file}/sotto.db` }, file)
  })

  test('where this user may not write', async () => {
    await using directory = await createTemporaryDirectory()
    const locked = path.join(directory.path, 'locked')
    await mkdir(locked)
    await chmod(locked, 0o500)
    // Root may write anywhere but into the kernel's own file system.
    const place = process.getuid?.() === 0 ? '/sys/kernel' : locked
    await expectRefusal({ DATABASE_URL: `file:${place}/sotto.db` }, place)
  })

  test('that another server holds', async () => {
    await using database = await createEmptyDatabase('sqlite')
    await using server = await spawnServer({ DATABASE_URL: database.url })
    await expectRefusal({ DATABASE_URL: database.url }, 'another server', database.url.slice('file:'.length))
    // Nor after a server that was killed is it held.
    await server.stop('SIGKILL')
    await using next = await spawnServer({ DATABASE_URL: database.url })
    expect(await next.stop()).toBe(0)
  })
})

describe('a PostgreSQL', () => {
  test('that is not there', async () => {
    await expectRefusal({ DATABASE_URL: 'postgres://127.0.0.1:1/sotto' }, '127.0.0.1:1')
  })

  test('on a host that is not there', async () => {
    await expectRefusal({ DATABASE_URL: 'postgres://no-such-host.invalid/sotto' }, 'no-such-host.invalid')
  })

  test('without this database', async () => {
    const url = new URL(process.env.SOTTO_TEST_POSTGRES_URL ?? '')
    url.pathname = '/no_such_database'
    await expectRefusal({ DATABASE_URL: url.href }, 'no_such_database')
  })

  test('with another password', async () => {
    await using postgres = await startPostgresWithPassword()
    const { url } = postgres
    await expectRefusal({ DATABASE_URL: url.replace('right', 'wrong') }, 'password', new URL(url).host)
    const shown = await sotto(['migrate'], { DATABASE_URL: url.replace('right', 'wrong') })
    expect(shown.stderr).not.toContain('wrong-password')
    expect(await sotto(['migrate'], { DATABASE_URL: url })).toMatchObject({ code: 0 })
  })
})

test.each(['sqlite', 'postgres'] as const)(
  'a database that is older than a server that does not migrate, on %s',
  async (using) => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_MIGRATE: 'off' }
    await expectRefusal(settings, 'older', 'sotto migrate')
    expect(await sotto(['key', 'list'], settings)).toMatchObject({ code: 1, stdout: '' })
    expect(await sotto(['migrate'], settings)).toMatchObject({ code: 0 })
    expect(await sotto(['key', 'list'], settings)).toMatchObject({ code: 0 })
    await using server = await spawnServer(settings)
    expect(await server.stop()).toBe(0)
  },
)

/** A PostgreSQL of its own that asks for passwords: the tests' common one trusts everybody. */
async function startPostgresWithPassword(): Promise<AsyncDisposable & { url: string }> {
  const keeper = fork(path.join(import.meta.dirname, '../../../../scripts/postgres-keeper.ts'), {
    detached: true,
  })
  const [admin] = (await once(keeper, 'message')) as [string]
  await queryPostgres(admin, "create role asked with login createdb superuser password 'right-password'")
  const { rows } = await queryPostgres(admin, 'show hba_file')
  const file = String(rows[0].hba_file)
  await queryPostgres(admin, `copy (select 'host all all 127.0.0.1/32 scram-sha-256') to '${file}'`)
  await queryPostgres(admin, 'select pg_reload_conf()')
  const url = new URL(admin)
  url.username = 'asked'
  url.password = 'right-password'
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      keeper.disconnect()
      await once(keeper, 'exit')
    },
  }
}
