import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Database,
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
import { closeBounded, drain, takeWaiting, watchSilent } from '../http/stop.ts'
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
import { checkPooler, prepareSchema } from './prepare-schema.ts'

/** What a test sets and a production server leaves alone. */
export interface ServerOverrides {
  now?: () => Date
  /** An id to give out next; undefined for one of the server's own making. */
  nextId?: () => string | undefined
  /** In place of the one that is printed; its lines name no traces, and are not sent anywhere. */
  log?: Logger
  onStatement?: StatementListener
  /** Where hosts are that webhooks go to, instead of what the system says. */
  resolveHost?: ResolveHost
  /** Hashes passwords in microseconds instead of tens of milliseconds, with no protection. */
  fastPasswords?: boolean
}

export interface Server extends AsyncDisposable {
  /** @internal The parts that requests use; whoever embeds the server must not come to depend on its tables. */
  readonly app: App
  /** Where the data is, for people. */
  readonly dataLocation: string
  /** A service key that was made just now, because there was none. It is told here and never again. */
  readonly newServiceKey: string | undefined
  /** The token of `/welcome#…`, where the first admin is made, if this start has made one: told here alone. */
  readonly setupToken: string | undefined
  /** True when the database was empty. */
  readonly isFirstStart: boolean
  /** Where Prometheus reads; undefined without METRICS_PORT, and before the server listens. */
  readonly metricsUrl: string | undefined
  /** Starts to listen, on the metrics' port too where there is one. @returns the address, as a URL. */
  listen(): Promise<string>
  /** Answers a request without a network: the same code as behind the port. */
  fetch(request: Request): Promise<Response>
  /**
   * Stops: is not ready any more, after `drainSeconds` takes no new connections, answers what was accepted, then
   * closes the database. What is not answered ten seconds later is cut off.
   */
  close(): Promise<void>
}

/**
 * Puts the parts together: the one place that does. Brings the schema up to date first, unless told not to.
 *
 * @throws {DatabaseOpenError} with one line for the operator.
 */
export async function createServer(config: Config, overrides: ServerOverrides = {}): Promise<Server> {
  const telemetry = await startTelemetry(config)
  const log = overrides.log ?? createLogger(config.logLevel, telemetry)
  telemetry?.reportTo(log)
  const now = overrides.now ?? (() => new Date())
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
    onStatement: statementListener(overrides.onStatement, telemetry),
    ...(metrics && { onGroupCommit: (transactions) => metrics.committed(transactions) }),
  })
  try {
    const { applied, newer } = await prepareSchema(config, database)
    if (newer.length > 0)
      log.warn({ migrations: newer }, 'the schema is newer than this version, and compatible with it')
    await requireWhole(database.db)
    await checkPooler(config, database, log)
    const firstStart = await bootstrapAccess(database.db, config, { now, newId: ownIds })
    return await assemble({
      config,
      log,
      now,
      newId,
      database,
      metrics,
      firstStart,
      telemetry,
      isFirstStart: applied.length > 0,
      resolveHost: overrides.resolveHost,
      fastPasswords: overrides.fastPasswords,
    })
  } catch (error) {
    await database[Symbol.asyncDispose]()
    await telemetry?.close()
    throw error
  }
}

/** OpenTelemetry's SDK is loaded by those who use it alone. */
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
  own: StatementListener | undefined,
  telemetry: Telemetry | undefined,
): StatementListener | undefined {
  if (!telemetry || telemetry.tracing === noTracing) return own
  return (sql, parameters, outcome) => {
    own?.(sql, parameters, outcome)
    telemetry.tracing.ran(sql, outcome)
  }
}

/** Its client watches the process from when it is loaded, which a server that nobody measures does without. */
async function openMetrics(): Promise<PrometheusMetrics> {
  const { PrometheusMetrics } = await import('../metrics/prometheus-metrics.ts')
  return new PrometheusMetrics()
}

interface Parts {
  config: Config
  log: Logger
  now: () => Date
  newId: NewId
  database: Database
  metrics: PrometheusMetrics | undefined
  firstStart: FirstStart
  telemetry: Telemetry | undefined
  isFirstStart: boolean
  resolveHost: ResolveHost | undefined
  fastPasswords: boolean | undefined
}

async function assemble({
  config,
  log,
  now,
  newId,
  database,
  metrics,
  firstStart,
  telemetry,
  isFirstStart,
  resolveHost,
  fastPasswords,
}: Parts): Promise<Server> {
  const connect = await connectCluster(config, log)
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
  const endSilent = watchSilent(http.server)
  if (config.messageRetentionDays !== null) await startMessageRetention(app)
  app.jobs.start()
  app.webhooks.start()
  app.tally.start()
  const metricsServer = metricsServerOf(config, metrics, log)
  let metricsUrl: string | undefined

  async function stop(): Promise<void> {
    // Who asks whether it is ready sends no more here, and what still comes is answered as ever.
    if (http.server.listening) await wait(config.drainSeconds * 1_000)
    await takeWaiting(http.server)
    isClosing = true
    const drained = drain(http.server)
    await Promise.all([app.jobs.close(), app.webhooks.close()])
    // While the port is closed: who is told to come back finds another server, or this one's successor.
    await app.events.close()
    await drained
    endSilent()
    await closeBounded(http, log)
    await closeApp()
    await metricsServer?.close()
    await replica?.[Symbol.asyncDispose]()
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
    isFirstStart,
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

/** It goes on where it stood when a server had it last. */
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

/** Hands a request to the routes without a network. The answer comes as it is written, as over one. */
async function fetchFrom(http: FastifyInstance, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer())
  // Whoever stops reading has gone, as when a connection is closed.
  const gone = new AbortController()
  const answer = await http.inject({
    signal: gone.signal,
    // Fastify knows more methods than the type of its injection says.
    method: request.method as 'GET',
    url: url.pathname + url.search,
    authority: url.host,
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
  stream.once('close', () => {
    if (!stream.readableEnded) gone.abort()
  })
  // Node has two types for the streams of the web, which do not fit each other where the types of browsers are known.
  const answered = Readable.toWeb(stream) as ConstructorParameters<typeof Response>[0]
  return new Response(isEmpty ? null : answered, {
    status: answer.statusCode,
    headers,
  })
}
