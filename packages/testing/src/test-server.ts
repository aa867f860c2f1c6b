import { createClient, type SottoClient } from '@sotto/sdk'
import {
  type Config,
  createServer,
  memoryLogger,
  newServiceKey,
  readConfig,
  type Server,
  schemaVersion,
} from '@sotto/server'
import { createClock, type TestClock } from './clock.ts'
import { createMemoryDatabase, createPostgresDatabase, type TestDatabase } from './databases.ts'

/** A user to create: a username, or the input of `users.create`. */
export type TestUser = string | Parameters<SottoClient['users']['create']>[0]

export interface TestServerOptions {
  /** Users to create, in this order. */
  users?: readonly TestUser[]
  /**
   * `sqlite` (in memory, the default), or `postgres`: a new database on the PostgreSQL server in
   * SOTTO_TEST_POSTGRES_URL, or on the given server. The user must be allowed to create databases.
   */
  using?: 'sqlite' | 'postgres' | { postgres: string }
  /** Stops the clock at this time before the server starts, like `clock.set`. */
  time?: Date | string
  /** Settings of the server, as in its configuration. */
  settings?: Partial<
    Pick<
      Config,
      | 'maxTextLength'
      | 'signUp'
      | 'secret'
      | 'directMessages'
      | 'maxStreams'
      | 'webClient'
      | 'eventRetentionDays'
      | 'messageRetentionDays'
      | 'redisUrl'
      | 'allowedOrigins'
      | 'trustedProxies'
      | 'userTokens'
      | 'webhookAllowedHosts'
      | 'databasePoolSize'
      | 'preparedStatements'
    >
  > & {
    /** Rate limits, such as `{ sends: { count: 60, seconds: 10 } }`. Those that are omitted do not apply. */
    limits?: Partial<Config['limits']>
  }
}

export interface TestServer extends AsyncDisposable {
  /** A client with a service key, without a user. */
  readonly client: SottoClient
  /** A client that acts for this user. */
  as(user: string): SottoClient
  /** The service key, for requests with `fetch`. */
  readonly serviceKey: string
  /** The token in `/welcome#…`, for creating the first admin. Only set with `settings: { webClient: true }`. */
  readonly setupToken: string | undefined
  /** The base URL of requests to `fetch`. */
  readonly url: string
  /** Like the global `fetch`, but calls this server directly. Also accepts a path. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  readonly clock: TestClock
  /** Sets the next ids that the server assigns, one per new row. After those, it generates its own. */
  giveIds(...ids: string[]): void
  /** The server's log, one JSON object per line. */
  readonly logs: readonly string[]
  /** Starts another server on the same database, with its own clock. PostgreSQL only. */
  another(): Promise<TestServer>
}

/**
 * Starts the real server in this process, without a port, on a new database that is deleted with it.
 *
 * @example
 * await using server = await createTestServer({ users: ['alice', 'bob'] })
 * await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
 */
export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await createDatabase(options)
  try {
    return await startOn(database.url, options, () => database.drop())
  } catch (error) {
    await database.drop()
    throw error
  }
}

async function createDatabase({ using = 'sqlite' }: TestServerOptions): Promise<TestDatabase> {
  if (using === 'sqlite') return createMemoryDatabase()
  const url = using === 'postgres' ? process.env.SOTTO_TEST_POSTGRES_URL : using.postgres
  if (!url) {
    throw new Error(
      "using: 'postgres' requires SOTTO_TEST_POSTGRES_URL, the URL of a user who may create databases",
    )
  }
  return createMigratedDatabase(url)
}

/** Creates a migrated, empty PostgreSQL database. */
export function createMigratedDatabase(adminUrl: string): Promise<TestDatabase> {
  return createPostgresDatabase(adminUrl, schemaVersion(), async (template) => {
    await using _server = await createServer(configFor(template, newServiceKey()), { log: memoryLogger([]) })
  })
}

let defaults: Config | undefined

/** The default settings, without the environment of the test. Reading them takes a tenth of the start of a server. */
export function defaultConfig(): Config {
  defaults ??= readConfig({})
  return defaults
}

/** Servers on the same database share it. */
const SECRET = 'the secret of servers in tests'

/** Tests make more requests per second than users do. */
const unlimited: Config['limits'] = {
  logins: null,
  sends: null,
  reads: null,
  writes: null,
  streams: null,
  keys: null,
}

function configFor(
  databaseUrl: string,
  serviceKey: string,
  settings: TestServerOptions['settings'] = {},
): Config {
  return {
    ...defaultConfig(),
    port: 0,
    databaseUrl,
    serviceKey,
    secret: SECRET,
    // Tests use the API, so it must not matter whether the web client has been built.
    webClient: false,
    ...settings,
    limits: { ...unlimited, ...settings.limits },
  }
}

async function startOn(
  databaseUrl: string,
  options: TestServerOptions,
  afterClose: () => Promise<void>,
): Promise<TestServer> {
  const serviceKey = newServiceKey()
  const clock = createClock()
  if (options.time !== undefined) clock.set(options.time)
  const logs: string[] = []
  const givenIds: string[] = []
  const server: Server = await createServer(configFor(databaseUrl, serviceKey, options.settings), {
    now: clock.now,
    nextId: () => givenIds.shift(),
    log: memoryLogger(logs),
    fastPasswords: true,
    copiesSchema: true,
  })

  const url = 'http://sotto.test'
  function fetchHere(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    return server.fetch(
      input instanceof Request ? new Request(input, init) : new Request(new URL(input, url), init),
    )
  }
  const client = createClient({ url, token: serviceKey, fetch: fetchHere })
  for (const user of options.users ?? []) {
    await client.users.create(typeof user === 'string' ? { username: user } : user)
  }

  return {
    client,
    as: (user) => client.as(user),
    serviceKey,
    setupToken: server.setupToken,
    url,
    fetch: fetchHere,
    clock,
    giveIds: (...ids) => void givenIds.push(...ids),
    logs,
    another() {
      if (databaseUrl === 'file::memory:') throw new Error("another() requires using: 'postgres'")
      return startOn(databaseUrl, { ...options, users: [] }, async () => {})
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await afterClose()
    },
  }
}
