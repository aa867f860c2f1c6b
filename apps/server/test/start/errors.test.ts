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
  startSotto,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { readConfig, settingNames } from '../../src/settings/config.ts'
import { ConfigError } from '../../src/settings/config-error.ts'

/** Expects the server to exit quickly, with one line that contains all these texts. */
async function expectStartError(settings: NodeJS.ProcessEnv, ...texts: string[]): Promise<void> {
  const startedAt = performance.now()
  const { code, stdout, stderr } = await sotto(['start'], { PORT: '0', ...settings })
  // A first start that already created a service key prints it.
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/^(\n {2}Service key .*)?$/s) })
  expect(stderr).toMatch(/^sotto: .+\n$/)
  for (const text of texts) expect(stderr).toContain(text)
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

/** Invalid values of each setting. */
const invalid: readonly (readonly [name: string, value: string])[] = [
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
  ['SOTTO_JWT_LASTING_ACCESS', 'yes'],
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

/** Settings that accept any text. */
const FREE_TEXT = [
  'SOTTO_JWT_AUDIENCE',
  'SOTTO_JWT_ISSUER',
  'SOTTO_JWT_USER_CLAIM',
  'SOTTO_JWT_USERNAME_CLAIM',
  'OTEL_SERVICE_NAME',
]
/** Settings that are only checked when used, in a separate test below. */
const CHECKED_LATER = ['METRICS_HOST']

describe('an invalid setting', () => {
  test('is tested for every setting', () => {
    const covered = new Set([...invalid.map(([name]) => name), ...FREE_TEXT, ...CHECKED_LATER])
    expect([...covered].toSorted()).toEqual(settingNames.toSorted())
  })

  test.each(invalid)('is named in the error: %s=%s', async (name, value) => {
    const settings = { ...memory, [name]: value }
    const error = configErrorOf(settings)
    // The process prints every ConfigError in the same way, which the tests below check.
    if (error) expect(error.message).toMatch(new RegExp(`^${name} .+$`))
    // Only checked when the server uses it.
    else await expectStartError(settings, name)
  })

  test('is rejected: SOTTO_JWT_SECRET together with SOTTO_JWT_JWKS_URL', async () => {
    const settings = { SOTTO_JWT_SECRET: 'x'.repeat(32), SOTTO_JWT_JWKS_URL: 'https://example.com/keys.json' }
    await expectStartError({ ...memory, ...settings }, 'SOTTO_JWT_JWKS_URL', 'SOTTO_JWT_SECRET')
  })

  test('is rejected: a METRICS_PORT equal to PORT', async () => {
    await expectStartError({ ...memory, PORT: '4321', METRICS_PORT: '4321' }, 'METRICS_PORT', 'PORT')
  })

  test('is rejected: a METRICS_HOST that is not a local address', async () => {
    await expectStartError(
      { ...memory, METRICS_PORT: '0', METRICS_HOST: '192.0.2.1' },
      'METRICS_HOST 192.0.2.1',
    )
  })

  test('is named with its _FILE suffix if it is read from a file', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'setting')
    await writeFile(file, 'hunter2')
    const settings = { ...memory, SOTTO_SERVICE_KEY_FILE: file }
    await expectStartError(settings, 'SOTTO_SERVICE_KEY_FILE must start with sk_')
    expect((await sotto(['start'], settings)).stderr).not.toContain('hunter2')
    await writeFile(file, '\n')
    await expectStartError(settings, 'SOTTO_SERVICE_KEY_FILE', 'must be a file that is not empty')
    await expectStartError({ ...memory, SOTTO_SECRET_FILE: `${file}-missing` }, 'SOTTO_SECRET_FILE', 'ENOENT')
    await expectStartError(
      { ...memory, DATABASE_URL_FILE: file },
      'DATABASE_URL_FILE cannot be set together with DATABASE_URL',
    )
  })

  test('is not printed if it is a service key', async () => {
    const { stderr } = await sotto(['start'], { ...memory, SOTTO_SERVICE_KEY: 'hunter2' })
    expect(stderr).not.toContain('hunter2')
  })
})

test.each(['PORT', 'METRICS_PORT'])('%s must not be in use', async (name) => {
  await using other = await listen(createServer())
  await expectStartError({ ...memory, [name]: String(other.port) }, `sotto: ${name} ${other.port}`)
})

test('a first start prints the new key even if its port is in use', async () => {
  await using directory = await createTemporaryDirectory()
  await using other = await listen(createServer())
  const settings = { DATABASE_URL: `file:${path.join(directory.path, 'sotto.db')}`, PORT: String(other.port) }
  const { code, stdout } = await sotto(['start'], settings)
  expect(code).toBe(1)
  expect(stdout).toMatch(/Service key +sk_\S+/)
  expect(stdout).toContain('sotto setup')
})

describe('a SQLite database cannot be opened', () => {
  test('if the file is not a database', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'sotto.db')
    await writeFile(file, crypto.getRandomValues(new Uint8Array(50_000)))
    await expectStartError({ DATABASE_URL: `file:${file}` }, file)
  })

  test('if the file is truncated', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'sotto.db')
    await sotto(['migrate'], { DATABASE_URL: `file:${file}` })
    await truncate(file, 9_000)
    await expectStartError({ DATABASE_URL: `file:${file}` }, file)
  })

  test('if the path is a directory', async () => {
    await using directory = await createTemporaryDirectory()
    await expectStartError({ DATABASE_URL: `file:${directory.path}` }, directory.path)
  })

  test('if a parent directory is a file', async () => {
    await using directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'file')
    await writeFile(file, '')
    await expectStartError({ DATABASE_URL: `file:${file}/sotto.db` }, file)
  })

  test('if the directory is not writable', async () => {
    await using directory = await createTemporaryDirectory()
    const locked = path.join(directory.path, 'locked')
    await mkdir(locked)
    await chmod(locked, 0o500)
    // Root can write everywhere except in a kernel file system.
    const unwritable = process.getuid?.() === 0 ? '/sys/kernel' : locked
    await expectStartError({ DATABASE_URL: `file:${unwritable}/sotto.db` }, unwritable)
  })

  test('if another server has locked it', async () => {
    await using database = await createEmptyDatabase('sqlite')
    await using server = await spawnServer({ DATABASE_URL: database.url })
    await expectStartError(
      { DATABASE_URL: database.url },
      'another server',
      database.url.slice('file:'.length),
    )
    // The lock ends with the process, even if it was killed.
    await server.stop('SIGKILL')
    await using next = await startSotto({ DATABASE_URL: database.url })
    expect(await next.stop()).toBe(0)
  })
})

describe('a PostgreSQL database cannot be opened', () => {
  test('if the server is not reachable', async () => {
    await expectStartError({ DATABASE_URL: 'postgres://127.0.0.1:1/sotto' }, '127.0.0.1:1')
  })

  test('if the host does not exist', async () => {
    await expectStartError({ DATABASE_URL: 'postgres://no-such-host.invalid/sotto' }, 'no-such-host.invalid')
  })

  test('if the database does not exist', async () => {
    const url = new URL(process.env.SOTTO_TEST_POSTGRES_URL ?? '')
    url.pathname = '/no_such_database'
    await expectStartError({ DATABASE_URL: url.href }, 'no_such_database')
  })

  test('if the password is wrong', async () => {
    await using postgres = await startPostgresWithPassword()
    const { url } = postgres
    await expectStartError({ DATABASE_URL: url.replace('right', 'wrong') }, 'password', new URL(url).host)
    const failed = await sotto(['migrate'], { DATABASE_URL: url.replace('right', 'wrong') })
    expect(failed.stderr).not.toContain('wrong-password')
    expect(await sotto(['migrate'], { DATABASE_URL: url })).toMatchObject({ code: 0 })
  })
})

test.each(['sqlite', 'postgres'] as const)(
  'an outdated schema is rejected with SOTTO_MIGRATE=off, on %s',
  async (using) => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_MIGRATE: 'off' }
    await expectStartError(settings, 'older', 'sotto migrate')
    expect(await sotto(['key', 'list'], settings)).toMatchObject({ code: 1, stdout: '' })
    expect(await sotto(['migrate'], settings)).toMatchObject({ code: 0 })
    expect(await sotto(['key', 'list'], settings)).toMatchObject({ code: 0 })
    await using server = await startSotto(settings)
    expect(await server.stop()).toBe(0)
  },
)

/** A separate PostgreSQL that requires passwords: the shared one trusts every connection. */
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
