import path from 'node:path'
import type { Message } from '@sotto/contract'
import { createClient, type SottoClient } from '@sotto/sdk'
import {
  type Config,
  createServer,
  memoryLogger,
  newServiceKey,
  type Server,
  type ServerOverrides,
} from '@sotto/server'
import { createMigratedDatabase, defaultConfig } from '../src/test-server.ts'
import { createTemporaryDirectory, type Dialect, requirePostgresUrl } from './databases.ts'
import { rest } from './rest.ts'
import { openSse, type SseStream } from './sse.ts'
import { openWs, type WsStream } from './ws.ts'

type Settings = Partial<Omit<Config, 'databaseUrl' | 'serviceKey'>>

/**
 * The real server in this process, listening on a port. For what `createTestServer` cannot cover: streams, sockets and
 * stopping.
 */
export interface RunningServer
  extends AsyncDisposable,
    Pick<Server, 'app' | 'close' | 'metricsUrl' | 'setupToken'> {
  readonly url: string
  readonly databaseUrl: string
  readonly logs: readonly string[]
  readonly serviceKey: string
  /** A client with the service key. */
  readonly client: SottoClient
  /** Like the global `fetch`, but also accepts a path. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Headers with the service key, acting for this user. */
  headers(as?: string): Record<string, string>
  /** Sends a request with the service key for this user. @returns the body; throws on failure. */
  call<Body>(as: string | undefined, method: string, path: `/${string}`, json?: object): Promise<Body>
  send(from: string, to: string, text: string): Promise<Message>
  sse(as: string, query?: string, lastEventId?: string): Promise<SseStream>
  ws(as: string, input?: object, lastEventId?: string): Promise<WsStream>
  /** Starts another server on the same database. A SQLite file allows only one at a time. */
  another(settings?: Settings): Promise<RunningServer>
}

interface StartOptions {
  users?: readonly string[]
  settings?: Settings
  overrides?: ServerOverrides
  /** SQLite: use a file instead of memory, for tests that stop the server and start another. */
  inFile?: boolean
}

/** Starts a server on a new database. Its disposal also stops servers started with `another`. */
export async function startServer(
  using: Dialect,
  { users = [], settings = {}, overrides = {}, inFile = false }: StartOptions = {},
): Promise<RunningServer> {
  const stack = new AsyncDisposableStack()
  const serviceKey = newServiceKey()
  try {
    const databaseUrl = await createDatabase(using, inFile, stack)
    const start = async (extra: Settings = {}): Promise<RunningServer> => {
      const config = { ...defaultConfig(), port: 0, ...settings, ...extra, databaseUrl, serviceKey }
      return stack.use(await listen(config, serviceKey, overrides, start))
    }
    const server = await start()
    for (const username of users) await server.client.users.create({ username })
    return { ...server, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function createDatabase(using: Dialect, inFile: boolean, stack: AsyncDisposableStack): Promise<string> {
  if (using === 'postgres') {
    const { url, drop } = await createMigratedDatabase(requirePostgresUrl())
    stack.defer(drop)
    return url
  }
  if (!inFile) return 'file::memory:'
  const directory = stack.use(await createTemporaryDirectory())
  return `file:${path.join(directory.path, 'sotto.db')}`
}

async function listen(
  config: Config,
  serviceKey: string,
  overrides: ServerOverrides,
  another: RunningServer['another'],
): Promise<RunningServer> {
  const logs: string[] = []
  const server = await createServer(config, {
    log: memoryLogger(logs),
    fastPasswords: true,
    copiesSchema: true,
    keepAliveDrainMs: 0,
    ...overrides,
  })
  const url = await server.listen()
  const { app, metricsUrl, setupToken } = server

  function fetchHere(path: string, init?: RequestInit): Promise<Response> {
    return fetch(new URL(path, url), init)
  }
  function headers(as?: string): Record<string, string> {
    return { authorization: `Bearer ${serviceKey}`, ...(as !== undefined && { 'act-as': as }) }
  }
  async function call<Body>(
    as: string | undefined,
    method: string,
    path: `/${string}`,
    json?: object,
  ): Promise<Body> {
    const line = `${method} ${path}` as const
    const { status, body } = await rest({ serviceKey, fetch: fetchHere }, line, {
      ...(as !== undefined && { as }),
      json,
    })
    if (status >= 400) throw new Error(`${line}: ${status} ${JSON.stringify(body)}`)
    // Other tests check that bodies match the contract.
    return (body === '' ? undefined : body) as Body
  }
  return {
    app,
    metricsUrl,
    setupToken,
    url,
    databaseUrl: config.databaseUrl,
    logs,
    serviceKey,
    client: createClient({ url, token: serviceKey }),
    fetch: fetchHere,
    headers,
    call,
    send: (from, to, text) => call<Message>(from, 'POST', '/v1/messages', { to, text }),
    async sse(as, query = '', lastEventId) {
      return openSse(`${url}/v1/events${query}`, headers(as), lastEventId)
    },
    async ws(as, input = {}, lastEventId) {
      return openWs(url, { authorization: `Bearer ${serviceKey}`, actAs: as }, input, lastEventId)
    },
    another,
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
