import { randomUUID } from 'node:crypto'
import { Readable, type Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Database,
  memoryImage,
  openDatabase,
  parseDatabaseUrl,
  Replica,
  requireWhole,
  type StatementListener,
  store,
} from '@sotto/db'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createHttpApp } from '../http/app.ts'
import { acceptPending, closeWithDeadline, drain, trackUnusedConnections } from '../http/stop.ts'
import { createIds, type NewId } from '../lib/ids.ts'
import { createLogger } from '../lib/log.ts'
import { readVersion } from '../lib/version.ts'
import { type Metrics, noMetrics } from '../metrics/metrics.ts'
import { MetricsServer } from '../metrics/metrics-server.ts'
import type { PrometheusMetrics } from '../metrics/prometheus-metrics.ts'
import { RETENTION_JOB } from '../privacy/message-retention.ts'
import { connectCluster } from '../realtime/cluster.ts'
import type { Config } from '../settings/config.ts'
import { bootstrapAccess, type FirstStart } from '../setup/first-start.ts'
import type { Telemetry } from '../telemetry/open-telemetry.ts'
import { noTracing } from '../telemetry/tracing.ts'
import type { ResolveHost } from '../webhooks/http-sender.ts'
import type { App } from './app.ts'
import { createApp } from './create-app.ts'
import { DatabaseClock } from './database-clock.ts'
import { checkPooler, prepareSchema } from './prepare-schema.ts'

const IN_MEMORY = 'file::memory:'

/** Overrides for tests. */
export interface ServerOverrides {
  /** Replaces the server's clock, which is the host's, corrected by its difference from the database's. */
  now?: () => Date
  /** Replaces the host's clock, before the correction. */
  hostNow?: () => Date
  /** Returns the next id, or undefined to generate one. */
  nextId?: () => string | undefined
  /** Replaces the default logger. Its lines have no trace ids and are not exported. */
  log?: Logger
  /** Where the default logger writes, instead of standard output. */
  logTo?: Writable
  onStatement?: StatementListener
  /** Resolves the hosts of webhooks instead of the system's resolver. */
  resolveHost?: ResolveHost
  /** Hashes passwords in microseconds instead of tens of milliseconds, without any protection. */
  fastPasswords?: boolean
  /** Copies a migrated database for each server in memory instead of migrating. */
  copiesSchema?: boolean
  /** How long a stop waits for keep-alive clients to notice it, in milliseconds: 1,000 by default. */
  keepAliveDrainMs?: number
}

export interface Server extends AsyncDisposable {
  /** @internal Embedders must not depend on the server's parts or tables. */
  readonly app: App
  /** Where the data is stored, for display. */
  readonly dataLocation: string
  /** The service key created by this start because none existed. Not available later. */
  readonly newServiceKey: string | undefined
  /** The token for `/welcome#…`, where the first admin is created, if this start issued one. Not available later. */
  readonly setupToken: string | undefined
  /** Whether this is the first start of a server on this database. */
  readonly isFirstStart: boolean
  /** The URL for Prometheus to scrape; undefined without METRICS_PORT, and before the server listens. */
  readonly metricsUrl: string | undefined
  /** Starts listening, including on the metrics port if there is one. @returns the server's URL. */
  listen(): Promise<string>
  /** Handles a request in-process, with the same code as over the network. */
  fetch(request: Request): Promise<Response>
  /**
   * Stops the server: reports it as not ready, stops accepting connections after `drainSeconds`, finishes accepted
   * requests within ten seconds, then closes the database.
   */
  close(): Promise<void>
}

/**
 * Assembles the server. Migrates the schema first, unless SOTTO_MIGRATE is off.
 *
 * @throws {DatabaseOpenError} with a one-line message for the operator.
 */
export async function createServer(config: Config, overrides: ServerOverrides = {}): Promise<Server> {
  const telemetry = await startTelemetry(config)
  const log = overrides.log ?? createLogger(config.logLevel, telemetry, overrides.logTo)
  telemetry?.reportTo(log)
  const clock = new DatabaseClock({ log, hostNow: overrides.hostNow })
  const now = overrides.now ?? clock.now
  const ownIds = createIds(now)
  const newId: NewId = () => overrides.nextId?.() ?? ownIds()

  const isMeasured = config.metricsPort !== undefined || config.telemetry?.metrics
  const metrics = isMeasured ? await openMetrics() : undefined
  const database = await openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    preparedStatements: config.preparedStatements,
    pooled: config.databaseDirectUrl !== undefined,
    exclusive: true,
    image: overrides.copiesSchema && config.databaseUrl === IN_MEMORY ? await memoryImage() : undefined,
    onStatement: statementListener(overrides.onStatement, telemetry),
    ...(metrics && { onGroupCommit: (transactions) => metrics.groupCommitted(transactions) }),
  })
  try {
    if (!overrides.now) await clock.follow(database.db)
    const { newer } = await prepareSchema(config, database)
    if (newer.length > 0)
      log.warn({ migrations: newer }, 'the schema is newer than this version, and compatible with it')
    await requireWhole(database.db)
    await checkPooler(config, database, log)
    const firstStart = await bootstrapAccess(database.db, config, { now, newId: ownIds })
    return await assemble({
      config,
      log,
      clock,
      now,
      newId,
      database,
      metrics,
      firstStart,
      telemetry,
      resolveHost: overrides.resolveHost,
      fastPasswords: overrides.fastPasswords,
      keepAliveDrainMs: overrides.keepAliveDrainMs,
    })
  } catch (error) {
    await clock.close()
    await database[Symbol.asyncDispose]()
    await telemetry?.close()
    throw error
  }
}

/** Loads the OpenTelemetry SDK only if it is used. */
async function startTelemetry({ telemetry: settings, databaseUrl }: Config): Promise<Telemetry | undefined> {
  if (!settings) return undefined
  const { openTelemetry } = await import('../telemetry/open-telemetry.ts')
  return openTelemetry({
    settings,
    version: readVersion(),
    instanceId: randomUUID(),
    databaseSystem: parseDatabaseUrl(databaseUrl).kind === 'sqlite' ? 'sqlite' : 'postgresql',
  })
}

function statementListener(
  override: StatementListener | undefined,
  telemetry: Telemetry | undefined,
): StatementListener | undefined {
  if (!telemetry || telemetry.tracing === noTracing) return override
  return (sql, parameters, outcome) => {
    override?.(sql, parameters, outcome)
    telemetry.tracing.recordStatement(sql, outcome)
  }
}

/** Loaded on demand: the Prometheus client starts observing the process when it is imported. */
async function openMetrics(): Promise<PrometheusMetrics> {
  const { PrometheusMetrics } = await import('../metrics/prometheus-metrics.ts')
  return new PrometheusMetrics()
}

interface Parts {
  config: Config
  log: Logger
  clock: DatabaseClock
  now: () => Date
  newId: NewId
  database: Database
  metrics: PrometheusMetrics | undefined
  firstStart: FirstStart
  telemetry: Telemetry | undefined
  resolveHost: ResolveHost | undefined
  fastPasswords: boolean | undefined
  keepAliveDrainMs: number | undefined
}

async function assemble({
  config,
  log,
  clock,
  now,
  newId,
  database,
  metrics,
  firstStart,
  telemetry,
  resolveHost,
  fastPasswords,
  keepAliveDrainMs,
}: Parts): Promise<Server> {
  const connect = await connectCluster(config, log, clock.now)
  const replica = openReplica(config, database, metrics ?? noMetrics, log)
  const { app, closeApp } = createApp({
    config,
    database,
    replica,
    log,
    now,
    newId,
    connect,
    metrics: metrics ?? noMetrics,
    tracing: telemetry?.tracing ?? noTracing,
    resolveHost,
    fastPasswords,
  })
  metrics?.watch({ app, poolLoad: database.poolLoad })
  if (metrics) telemetry?.sendMetrics(() => metrics.read())
  let stopping: Promise<void> | undefined
  let isClosing = false
  const http = await createHttpApp({
    app,
    log,
    newRequestId: randomUUID,
    isClosing: () => isClosing,
    isReady: async () => !stopping && (await database.isReady().catch(() => false)),
    maxStreams: config.maxStreams,
    allowedOrigins: config.allowedOrigins,
    webClient: config.webClient,
    trustedProxies: config.trustedProxies,
  })
  await http.ready()
  const closeUnused = trackUnusedConnections(http.server)
  if (config.messageRetentionDays !== null) await startMessageRetention(app)
  app.jobs.start()
  app.webhooks.start()
  app.tally.start()
  const metricsServer = metricsServerOf(config, metrics, log)
  let metricsUrl: string | undefined

  async function stop(): Promise<void> {
    // /readyz reports not ready, so proxies stop sending requests here. Those that still arrive are served as usual.
    if (http.server.listening) await wait(config.drainSeconds * 1_000)
    await acceptPending(http.server)
    isClosing = true
    const drained = drain(http.server, keepAliveDrainMs)
    await Promise.all([app.jobs.close(), app.webhooks.close()])
    // Only once the port is closed, so that clients reconnect to another server or to the successor of this one.
    await app.events.close()
    await drained
    closeUnused()
    await closeWithDeadline(http, log)
    await closeApp()
    await metricsServer?.close()
    await replica?.[Symbol.asyncDispose]()
    await clock.close()
    await database[Symbol.asyncDispose]()
    await telemetry?.close()
  }

  function close(): Promise<void> {
    stopping ??= stop()
    return stopping
  }

  return {
    app,
    dataLocation: database.location,
    newServiceKey: firstStart.serviceKey,
    setupToken: firstStart.setupToken,
    isFirstStart: firstStart.isFirst,
    get metricsUrl() {
      return metricsUrl
    },
    async listen() {
      metricsUrl = await metricsServer?.listen()
      return http.listen({ port: config.port, host: config.host })
    },
    fetch: (request) => fetchFrom(http, request),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function openReplica(config: Config, { db }: Database, metrics: Metrics, log: Logger): Replica | undefined {
  if (config.databaseReplicaUrl === undefined) return undefined
  return new Replica({
    url: config.databaseReplicaUrl,
    primary: db,
    poolSize: config.databasePoolSize,
    preparedStatements: config.preparedStatements,
    maxLagMs: config.databaseReplicaMaxLagMs,
    onRead: (place) => metrics.listRead(place),
    onUsable: () => log.info('reading lists from the replica'),
    onUnusable: (error) => log.warn({ err: error }, 'replica not usable, reading lists from the primary'),
  })
}

/** The job continues where the last server left off. */
async function startMessageRetention({ db, now }: App): Promise<void> {
  const job = { kind: RETENTION_JOB, subject_id: RETENTION_JOB }
  await db.transaction().execute((trx) => store.jobs.put(trx, job, now()))
}

function metricsServerOf(
  { metricsHost: host, metricsPort: port }: Config,
  metrics: PrometheusMetrics | undefined,
  log: Logger,
): MetricsServer | undefined {
  if (port === undefined || !metrics) return undefined
  return new MetricsServer({ host, port, log, page: () => metrics.page() })
}

/** Passes a request to the routes in-process. The response is streamed, as over the network. */
async function fetchFrom(http: FastifyInstance, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const payload = request.body === null ? undefined : Buffer.from(await request.arrayBuffer())
  // A caller that stops reading counts as disconnected.
  const disconnected = new AbortController()
  const injected = await http.inject({
    signal: disconnected.signal,
    // The type of `inject` lists fewer methods than Fastify supports.
    method: request.method as 'GET',
    url: url.pathname + url.search,
    authority: url.host,
    headers: Object.fromEntries(request.headers),
    payloadAsStream: true,
    ...(payload && { payload }),
  })
  const headers = new Headers()
  for (const [name, value] of Object.entries(injected.headers)) {
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each))
  }
  const stream = injected.stream()
  const isEmpty = injected.statusCode === 204 || injected.statusCode === 304
  if (isEmpty) stream.resume()
  request.signal.addEventListener('abort', () => stream.destroy())
  stream.once('close', () => {
    if (!stream.readableEnded) disconnected.abort()
  })
  // Node's type for web streams is not assignable to the DOM's.
  const body = Readable.toWeb(stream) as ConstructorParameters<typeof Response>[0]
  return new Response(isEmpty ? null : body, {
    status: injected.statusCode,
    headers,
  })
}
