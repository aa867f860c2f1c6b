import { randomUUID } from 'node:crypto'
import type { Server as HttpServer } from 'node:http'
import { Server as NetServer } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { setTimeout } from 'node:timers/promises'
import {
  type Database,
  findConversation,
  insertServiceKey,
  listServiceKeys,
  openDatabase,
  openHints,
  type StatementListener,
} from '@sotto/db'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { App } from './context.ts'
import { createHttpApp } from './http/app.ts'
import { CONFIGURED_KEY_ID, Identity } from './identity/identity.ts'
import { hashSecret, newServiceKey } from './identity/secrets.ts'
import { createIds, type NewId } from './ids.ts'
import { createLogger } from './log.ts'
import { DeliveryMarks } from './messaging/delivery-marks.ts'
import { showConversation } from './messaging/show-conversations.ts'
import { EventHub } from './realtime/event-hub.ts'
import { keepLogShort } from './realtime/log-retention.ts'
import { Presence } from './realtime/presence.ts'
import { RedisLink } from './realtime/redis-link.ts'
import { itemOf, type Signal } from './realtime/signals.ts'
import { StreamGuard } from './realtime/stream-guard.ts'
import { Typing } from './realtime/typing.ts'

/** What a test sets and a production server leaves alone. */
export interface ServerOverrides {
  now?: () => Date
  /** An id to give out next; undefined for one of the server's own making. */
  nextId?: () => string | undefined
  log?: Logger
  onStatement?: StatementListener
}

export interface Server extends AsyncDisposable {
  readonly app: App
  /** Where the data is, for people. */
  readonly dataLocation: string
  /** A service key that was made just now, because there was none. It is told here and never again. */
  readonly newServiceKey: string | undefined
  /** True when the database was empty. */
  readonly isFirstStart: boolean
  /** Starts to listen. @returns the address, as a URL. */
  listen(): Promise<string>
  /** Answers a request without a network: the same code as behind the port. */
  fetch(request: Request): Promise<Response>
  /** Stops: no new connections, answers what was accepted, then closes the database. */
  close(): Promise<void>
}

/** How long clients that keep their connections have to notice that the server stops, in milliseconds. */
const DRAIN_MS = 1_000
const DRAIN_POLL_MS = 20
const DAY_MS = 24 * 60 * 60 * 1_000

/**
 * Puts the parts together: the one place that does. Brings the schema up to date first.
 *
 * @throws {DatabaseOpenError} with one line for the operator.
 */
export async function createServer(config: Config, overrides: ServerOverrides = {}): Promise<Server> {
  const log = overrides.log ?? createLogger(config.logLevel)
  const now = overrides.now ?? (() => new Date())
  const ownIds = createIds(now)
  const newId: NewId = () => overrides.nextId?.() ?? ownIds()

  if (config.databaseDirectUrl !== undefined) await migrateDirectly(config.databaseDirectUrl)
  const database = await openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    preparedStatements: config.preparedStatements,
    exclusive: true,
    onStatement: overrides.onStatement,
  })
  try {
    const { applied } = config.databaseDirectUrl === undefined ? await database.migrate() : { applied: [] }
    const newServiceKey = await makeFirstKey(config, database, now, ownIds)
    return await assemble({
      config,
      log,
      now,
      newId,
      database,
      newServiceKey,
      isFirstStart: applied.length > 0,
    })
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

async function migrateDirectly(url: string): Promise<void> {
  await using database = await openDatabase({ url, poolSize: 1 })
  await database.migrate()
}

/** Without any key nobody could make a user, so the first start makes one. */
async function makeFirstKey(
  config: Config,
  database: Database,
  now: () => Date,
  newId: NewId,
): Promise<string | undefined> {
  if (config.serviceKey !== undefined || (await listServiceKeys(database.db)).length > 0) return undefined
  const key = newServiceKey()
  await database.db
    .transaction()
    .execute((trx) =>
      insertServiceKey(trx, { id: newId(), name: 'first', keyHash: hashSecret(key), at: now() }),
    )
  return key
}

interface Parts {
  config: Config
  log: Logger
  now: () => Date
  newId: NewId
  database: Database
  newServiceKey: string | undefined
  isFirstStart: boolean
}

async function assemble({
  config,
  log,
  now,
  newId,
  database,
  newServiceKey,
  isFirstStart,
}: Parts): Promise<Server> {
  const { db } = database
  const { app, closeRealtime } = createApp({ config, log, now, newId, db })
  let stopping: Promise<void> | undefined
  const http = await createHttpApp({
    app,
    log,
    newRequestId: randomUUID,
    isReady: async () => !stopping && (await database.isCurrent().catch(() => false)),
  })
  await http.ready()

  async function stop(): Promise<void> {
    const drained = drain(http.server)
    // Streams are told to come back while the port is closed: they find another server, or this one's successor.
    await app.events.close()
    await drained
    await http.close()
    await closeRealtime()
    await database[Symbol.asyncDispose]()
  }

  function close(): Promise<void> {
    stopping ??= stop()
    return stopping
  }

  return {
    app,
    dataLocation: database.location,
    newServiceKey,
    isFirstStart,
    listen: () => http.listen({ port: config.port, host: config.host }),
    fetch: (request) => fetchFrom(http, request),
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface AppParts {
  config: Config
  log: Logger
  now: () => Date
  newId: NewId
  db: App['db']
}

/** What requests use, and how those parts of it end that are not requests. */
function createApp({ config, log, now, newId, db }: AppParts): {
  app: App
  closeRealtime: () => Promise<void>
} {
  const identity = new Identity({ db, now, serviceKey: config.serviceKey })
  const tell = (signal: Signal) => {
    const item = itemOf(signal)
    if ('userIds' in signal.to) events.signal(signal.to.userIds, item)
    else events.signalWatchers(signal.to.watchersOf, item)
  }
  const send = (signal: Signal) => {
    tell(signal)
    redis?.signal(signal)
  }
  const onHint = () => events.hint()
  const redis = config.redisUrl
    ? new RedisLink({
        url: config.redisUrl,
        log,
        onHint,
        onSignal: tell,
        streamingUsers: () => events.onlineUsers(),
      })
    : undefined
  const hints = redis
    ? undefined
    : openHints({
        url: config.databaseDirectUrl ?? config.databaseUrl,
        onHint,
        onError: (error) => log.warn({ err: error }, 'hints from other servers are late'),
      })
  const write: App['write'] = async (work) => {
    const result = await db.transaction().execute(work)
    onHint()
    redis?.hint()
    hints?.send()
    return result
  }
  const deliveryMarks = new DeliveryMarks({ db, write, now, log })
  const presence = new Presence({
    now,
    newId,
    log,
    send,
    isStreaming: (userId) => events.isOnline(userId),
    shared: redis,
  })
  const retentionMs = config.eventRetentionDays * DAY_MS
  const events = new EventHub({
    db,
    now,
    log,
    deliveryMarks,
    showConversation: async (conversationId, viewer) => {
      const conversation = await findConversation(db, conversationId)
      return conversation && showConversation({ db, deliveryMarks }, conversation, viewer)
    },
    maxStreams: config.maxStreams,
    retentionMs,
    onPresence: (userId, isStreaming) => presence.changed(userId, isStreaming),
  })
  const streamGuard = new StreamGuard({ db, now, log, configuredKeyId: CONFIGURED_KEY_ID })
  const typing = new Typing({ now, newId, send })
  const retention = keepLogShort({ db, now, log, retentionMs })
  const app: App = {
    db,
    write,
    now,
    newId,
    log,
    identity,
    deliveryMarks,
    events,
    streamGuard,
    typing,
    presence,
    maxTextLength: config.maxTextLength,
    signUp: config.signUp,
  }
  async function closeRealtime(): Promise<void> {
    retention.stop()
    typing.close()
    presence.close()
    streamGuard.close()
    await deliveryMarks.close()
    await hints?.close()
    redis?.close()
  }
  return { app, closeRealtime }
}

/**
 * Stops to listen, and gives clients that keep their connections a moment to learn of it from an answer, which
 * then says `connection: close`. Closing an idle connection at once would fail a request that is on its way.
 */
async function drain(server: HttpServer): Promise<void> {
  if (!server.listening) return
  // The HTTP server's own close would end the idle connections too.
  NetServer.prototype.close.call(server)
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'))
  const deadline = performance.now() + DRAIN_MS
  while (performance.now() < deadline && (await openConnections(server)) > 0) await setTimeout(DRAIN_POLL_MS)
}

function openConnections(server: HttpServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)))
}

/** Hands a request to the routes without a network. The answer comes as it is written, as over one. */
async function fetchFrom(http: FastifyInstance, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer())
  const answer = await http.inject({
    // Fastify knows more methods than the type of its injection says.
    method: request.method as 'GET',
    url: url.pathname + url.search,
    headers: Object.fromEntries(request.headers),
    payloadAsStream: true,
    ...(body && { payload: body }),
  })
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, String(one))
  }
  const stream = answer.stream()
  const isEmpty = answer.statusCode === 204 || answer.statusCode === 304
  if (isEmpty) stream.resume()
  request.signal.addEventListener('abort', () => stream.destroy())
  return new Response(isEmpty ? null : (Readable.toWeb(stream) as ReadableStream<Uint8Array>), {
    status: answer.statusCode,
    headers,
  })
}
