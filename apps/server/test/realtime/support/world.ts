import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Message } from '@sotto/contract'
import { store } from '@sotto/db'
import { createClient, type SottoClient } from '@sotto/sdk'
import {
  type Config,
  createServer,
  memoryLogger,
  newServiceKey,
  readConfig,
  type Server,
  type ServerOverrides,
} from '../../../src/index.ts'
import { withClient } from './postgres.ts'
import { openSse, type SseStream } from './sse.ts'
import { openWs, type WsStream } from './ws.ts'

type Settings = Partial<
  Pick<
    Config,
    | 'maxStreams'
    | 'maxTextLength'
    | 'eventRetentionDays'
    | 'messageRetentionDays'
    | 'redisUrl'
    | 'allowedOrigins'
    | 'databaseDirectUrl'
    | 'port'
    | 'metricsPort'
    | 'userTokens'
    | 'limits'
    | 'secret'
    | 'signUp'
    | 'webhookAllowedHosts'
  >
>

/** A real server behind a port of its own, with raw clients: what streams do cannot be seen without a network. */
export interface RunningServer extends AsyncDisposable {
  readonly server: Server
  readonly url: string
  readonly logs: readonly string[]
  readonly serviceKey: string
  readonly client: SottoClient
  headers(as?: string): Record<string, string>
  /** A plain request with the service key, as this user. */
  call<Answer>(as: string | undefined, method: string, path: string, body?: object): Promise<Answer>
  send(from: string, to: string, text: string): Promise<Message>
  sse(as: string, query?: string, lastEventId?: string): Promise<SseStream>
  ws(as: string, input?: object, lastEventId?: string): Promise<WsStream>
}

export interface World extends RunningServer {
  readonly databaseUrl: string
  /** Another server on the same database. A SQLite file takes one after the other. */
  another(settings?: Settings): Promise<RunningServer>
}

interface WorldOptions {
  users?: readonly string[]
  settings?: Settings
  overrides?: ServerOverrides
  /** SQLite: a file instead of memory, for those who stop their server and start another. */
  inFile?: boolean
}

export async function startWorld(
  using: 'sqlite' | 'postgres',
  { users = [], settings = {}, overrides = {}, inFile = false }: WorldOptions = {},
): Promise<World> {
  const stack = new AsyncDisposableStack()
  const databaseUrl = using === 'postgres' ? await makeDatabase(stack) : await makeFile(stack, inFile)
  const serviceKey = newServiceKey()
  const start = async (own: Settings = {}) =>
    stack.use(await startServer(databaseUrl, serviceKey, { ...settings, ...own }, overrides))
  const first = await start()
  for (const username of users) await first.client.users.create({ username })
  return {
    ...first,
    databaseUrl,
    another: start,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function startServer(
  databaseUrl: string,
  serviceKey: string,
  settings: Settings,
  overrides: ServerOverrides,
): Promise<RunningServer> {
  const logs: string[] = []
  const config = { ...readConfig({}), port: 0, databaseUrl, serviceKey, ...settings }
  const server = await createServer(config, { log: memoryLogger(logs), ...overrides })
  const url = await server.listen()
  const headers = (as?: string) => ({
    authorization: `Bearer ${serviceKey}`,
    ...(as !== undefined && { 'act-as': as }),
  })
  /** On PostgreSQL another test's transaction can hold back what was sent before a stream "starts now". */
  async function untilSettled(): Promise<void> {
    while (await store.eventLog.hasUnsettled(server.app.db)) await wait(5)
  }
  async function call<Answer>(
    as: string | undefined,
    method: string,
    route: string,
    body?: object,
  ): Promise<Answer> {
    const response = await fetch(url + route, {
      method,
      headers: { ...headers(as), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`)
    // The contract says what it is, and tests of its own that it is so.
    return (text === '' ? undefined : JSON.parse(text)) as Answer
  }
  return {
    server,
    url,
    logs,
    serviceKey,
    client: createClient({ url, token: serviceKey }),
    headers,
    call,
    send: (from, to, text) => call<Message>(from, 'POST', '/v1/messages', { to, text }),
    async sse(as, query = '', lastEventId) {
      if (lastEventId === undefined) await untilSettled()
      return openSse(`${url}/v1/events${query}`, headers(as), lastEventId)
    },
    async ws(as, input = {}, lastEventId) {
      if (lastEventId === undefined) await untilSettled()
      return openWs(url, { authorization: `Bearer ${serviceKey}`, actAs: as }, input, lastEventId)
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function makeFile(stack: AsyncDisposableStack, inFile: boolean): Promise<string> {
  if (!inFile) return 'file::memory:'
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-realtime-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  return `file:${path.join(directory, 'sotto.db')}`
}

async function makeDatabase(stack: AsyncDisposableStack): Promise<string> {
  const adminUrl = process.env.SOTTO_TEST_POSTGRES_URL ?? ''
  const name = `sotto_realtime_${randomBytes(8).toString('hex')}`
  await withClient(adminUrl, (admin) => admin.query(`create database ${name}`))
  stack.defer(async () => {
    await withClient(adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`))
  })
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}
