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

/** A user to begin with: a username, or what `users.create` takes. */
export type TestUser = string | Parameters<SottoClient['users']['create']>[0]

export interface TestServerOptions {
  /** Users to begin with, in this order. */
  users?: readonly TestUser[]
  /**
   * `sqlite` (in memory, the default), or `postgres`: a database of its own in the PostgreSQL server that
   * SOTTO_TEST_POSTGRES_URL names, or the one given here, whose user may create databases.
   */
  using?: 'sqlite' | 'postgres' | { postgres: string }
  /** As the server's settings of the same names. */
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
    /** How often callers may do what, such as `{ sends: { count: 60, seconds: 10 } }`. What is left out is not limited. */
    limits?: Partial<Config['limits']>
  }
}

export interface TestServer extends AsyncDisposable {
  /** A client with a service key, which acts for nobody. */
  readonly client: SottoClient
  /** A client that acts for this user. */
  as(user: string): SottoClient
  /** The service key, for requests by hand. */
  readonly serviceKey: string
  /** The token of `/welcome#…`, where the first admin is made; there with `settings: { webClient: true }` alone. */
  readonly setupToken: string | undefined
  /** The base of URLs that `fetch` answers. */
  readonly url: string
  /** As the global `fetch`, but to this server, without a network. A path alone will do. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  readonly clock: TestClock
  /** The next ids that the server gives out, one for each new row. Its own follow when these are used up. */
  giveIds(...ids: string[]): void
  /** What the server has logged, a line of JSON each. */
  readonly logs: readonly string[]
  /** Another server on the same database, with its own clock. PostgreSQL only. */
  another(): Promise<TestServer>
}

/**
 * Starts the real server in this process, without a port, on a database of its own that is gone with it.
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
      "using: 'postgres' needs SOTTO_TEST_POSTGRES_URL, the URL of a user who may create databases",
    )
  }
  return createMigratedDatabase(url)
}

/** A copy of a PostgreSQL database that a server has migrated and nobody has used. */
export function createMigratedDatabase(adminUrl: string): Promise<TestDatabase> {
  return createPostgresDatabase(adminUrl, schemaVersion(), async (template) => {
    await using _server = await createServer(configFor(template, newServiceKey()), { log: memoryLogger([]) })
  })
}

/** What servers on one database have in common. */
const SECRET = 'the secret of servers that are there for a test'

/** A test does within a second what people do in an hour. */
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
  // The defaults, whatever the environment of the test says.
  return {
    ...readConfig({}),
    port: 0,
    databaseUrl,
    serviceKey,
    secret: SECRET,
    // Tests speak to the API; whether somebody has built the client here makes no difference to them.
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
  const logs: string[] = []
  const givenIds: string[] = []
  const server: Server = await createServer(configFor(databaseUrl, serviceKey, options.settings), {
    now: clock.now,
    nextId: () => givenIds.shift(),
    log: memoryLogger(logs),
    fastPasswords: true,
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
      if (databaseUrl === 'file::memory:') throw new Error("another server needs using: 'postgres'")
      return startOn(databaseUrl, { ...options, users: [] }, async () => {})
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await afterClose()
    },
  }
}
