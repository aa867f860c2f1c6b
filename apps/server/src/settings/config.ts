import { isIP } from 'node:net'
import {
  defaultMaxTextLength,
  defaultTokenAudience,
  minTokenSecretBytes,
  type Setting,
} from '@sotto/contract'
import { parseDatabaseUrl } from '@sotto/db'
import { z } from 'zod'
import { DEFAULT_USER_CLAIM, DEFAULT_USERNAME_CLAIM } from '../identity/token-rules.ts'
import type { UserTokenSettings } from '../identity/token-verifier.ts'
import { parseRate, RATE_SYNTAX, type Rates } from '../limits/rates.ts'
import { parsePairs, SAMPLERS, type TelemetrySettings } from '../telemetry/telemetry-settings.ts'
import { ConfigError } from './config-error.ts'
import { confidential, listEffectiveSettings } from './effective-settings.ts'
import { readSettings } from './setting-files.ts'

const MAX_TEXT_LENGTH_LIMIT = 200_000
const MIN_SECRET_LENGTH = 32

function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
}

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, `must be one of: ${values.join(', ')}`)
}

function listOf(isItem: (item: string) => boolean, message: string) {
  return z
    .string()
    .transform((list) => list.split(',').map((item) => item.trim()))
    .refine((list) => list.every(isItem), message)
}

/** The names that Fastify's `trustProxy` knows. */
const RANGE_NAMES = new Set(['loopback', 'linklocal', 'uniquelocal'])

function isAddressRange(range: string): boolean {
  const [address = '', bits, ...rest] = range.split('/')
  const family = isIP(address)
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  return family > 0 && isPrefix && rest.length === 0
}

/** A host name as in a URL, and not a number that URLs parse as an address. */
function isHostName(name: string): boolean {
  return /^[\w.-]+$/.test(name) && URL.parse(`http://${name}/`)?.hostname === name.toLowerCase()
}

const rate = z.string().transform((text, context) => {
  const parsed = parseRate(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: RATE_SYNTAX })
  return z.NEVER
})

const pairs = z.string().transform((text, context) => {
  const parsed = parsePairs(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'must be name=value pairs, separated by commas' })
  return z.NEVER
})

/** The exporter of an OpenTelemetry signal. Other exporters of the specification are not supported. */
const exporter = oneOf(['otlp', 'none']).default('otlp')

const databaseUrl = z.string().superRefine((value, context) => {
  try {
    parseDatabaseUrl(value)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
  }
})

/** Fetched keys authenticate users, so the connection must not be open to tampering. */
function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname))
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

const SECRET = { part: 'all' } as const
const WITH_CREDENTIALS = { part: 'all but the address' } as const

/**
 * All environment variables that Sotto reads. Settings that contain secrets are registered as confidential, so that
 * the list of settings does not show them.
 */
const environment = z.object({
  PORT: wholeNumber(0, 65_535).prefault('1337'),
  HOST: z.string().min(1, 'must be an address to listen on').default('127.0.0.1'),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  METRICS_HOST: z.string().optional(),
  DATABASE_URL: databaseUrl.default('file:./data/sotto.db').register(confidential, WITH_CREDENTIALS),
  DATABASE_DIRECT_URL: databaseUrl.optional().register(confidential, WITH_CREDENTIALS),
  DATABASE_REPLICA_URL: databaseUrl.optional().register(confidential, WITH_CREDENTIALS),
  DATABASE_REPLICA_MAX_LAG_MS: wholeNumber(1, 60_000).prefault('100'),
  DATABASE_POOL_SIZE: wholeNumber(1, 500).prefault('10'),
  DATABASE_PREPARED_STATEMENTS: oneOf(['on', 'off']).default('on'),
  SOTTO_MIGRATE: oneOf(['on', 'off']).default('on'),
  SOTTO_DRAIN_SECONDS: wholeNumber(0, 3_600).prefault('0'),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  SOTTO_SERVICE_KEY: z
    .string()
    .regex(
      /^sk_[\x21-\x7e]{1,252}$/,
      'must start with sk_ and be at most 255 printable characters without spaces',
    )
    .optional()
    .register(confidential, SECRET),
  SOTTO_MAX_TEXT_LENGTH: wholeNumber(1, MAX_TEXT_LENGTH_LIMIT).prefault(String(defaultMaxTextLength)),
  SOTTO_SIGNUP: oneOf(['open', 'closed', 'invitation']).default('closed'),
  SOTTO_SECRET: z
    .string()
    .min(MIN_SECRET_LENGTH, `must be at least ${MIN_SECRET_LENGTH} random characters`)
    .optional()
    .register(confidential, SECRET),
  SOTTO_WEB_CLIENT: oneOf(['on', 'off']).default('on'),
  SOTTO_DIRECT_MESSAGES: oneOf(['everyone', 'contacts']).default('everyone'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/, 'must be redis://<host>:<port> or rediss://<host>:<port>')
    .optional()
    .register(confidential, WITH_CREDENTIALS),
  SOTTO_MAX_STREAMS: wholeNumber(1, 1_000_000).prefault('20000'),
  SOTTO_LIMIT_LOGINS: rate.prefault('10/60s'),
  SOTTO_LIMIT_SENDS: rate.prefault('60/10s'),
  SOTTO_LIMIT_READS: rate.prefault('600/10s'),
  SOTTO_LIMIT_WRITES: rate.prefault('120/10s'),
  SOTTO_LIMIT_STREAMS: rate.prefault('60/60s'),
  SOTTO_LIMIT_KEYS: rate.prefault('off'),
  SOTTO_EVENT_RETENTION_DAYS: wholeNumber(1, 3_650).prefault('30'),
  SOTTO_MESSAGE_RETENTION_DAYS: z
    .union([z.literal('off'), wholeNumber(1, 36_500)], 'must be off or a whole number from 1 to 36500')
    .default('off'),
  SOTTO_ALLOWED_ORIGINS: listOf(
    (origin) => URL.parse(origin)?.origin === origin,
    'must be origins such as https://app.example.com, separated by commas',
  ).optional(),
  SOTTO_TRUSTED_PROXIES: listOf(
    (range) => RANGE_NAMES.has(range) || isAddressRange(range),
    'must be addresses, ranges such as 10.0.0.0/8, or loopback, linklocal, uniquelocal, separated by commas',
  ).optional(),
  SOTTO_WEBHOOK_ALLOWED_HOSTS: listOf(
    (entry) => isAddressRange(entry) || isHostName(entry),
    'must be host names, addresses or ranges such as 10.0.0.0/8, separated by commas',
  ).optional(),
  SOTTO_JWT_SECRET: z
    .string()
    .refine(
      (secret) => Buffer.byteLength(secret) >= minTokenSecretBytes,
      `must be at least ${minTokenSecretBytes} bytes`,
    )
    .optional()
    .register(confidential, SECRET),
  SOTTO_JWT_JWKS_URL: z
    .string()
    .refine(isSecureUrl, 'must be an https URL, or an http URL of localhost')
    .optional()
    .register(confidential, WITH_CREDENTIALS),
  SOTTO_JWT_AUDIENCE: z.string().default(defaultTokenAudience),
  SOTTO_JWT_ISSUER: z.string().optional(),
  SOTTO_JWT_USER_CLAIM: z.string().default(DEFAULT_USER_CLAIM),
  SOTTO_JWT_USERNAME_CLAIM: z.string().default(DEFAULT_USERNAME_CLAIM),
  SOTTO_JWT_CREATE_USERS: oneOf(['on', 'off']).default('on'),
  SOTTO_JWT_LASTING_ACCESS: oneOf(['on', 'off']).default('off'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''), 'must be an http or https URL')
    .optional()
    .register(confidential, WITH_CREDENTIALS),
  OTEL_EXPORTER_OTLP_PROTOCOL: oneOf(['http/protobuf']).default('http/protobuf'),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.optional().register(confidential, SECRET),
  OTEL_SERVICE_NAME: z.string().default('sotto'),
  OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
  OTEL_TRACES_EXPORTER: exporter,
  OTEL_METRICS_EXPORTER: exporter,
  OTEL_LOGS_EXPORTER: exporter,
  OTEL_TRACES_SAMPLER: oneOf(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .prefault('1'),
  OTEL_METRIC_EXPORT_INTERVAL: wholeNumber(1_000, 3_600_000).prefault('60000'),
})

/** The names of all settings. */
export const settingNames: readonly string[] = Object.keys(environment.shape)

export interface Config {
  port: number
  host: string
  /** The port for Prometheus; undefined if off. */
  metricsPort: number | undefined
  metricsHost: string
  databaseUrl: string
  /** For migrations, if databaseUrl is a transaction pooler. */
  databaseDirectUrl: string | undefined
  /** A replica of databaseUrl, for lists. */
  databaseReplicaUrl: string | undefined
  /** How long a list waits for the replica to catch up, in milliseconds. */
  databaseReplicaMaxLagMs: number
  databasePoolSize: number
  preparedStatements: boolean
  /** Whether a start migrates the schema. */
  migrates: boolean
  /** How long a stopping server keeps serving while /readyz reports that it is not ready. */
  drainSeconds: number
  logLevel: z.output<typeof environment>['LOG_LEVEL']
  /** A valid key in addition to those in the database. */
  serviceKey: string | undefined
  /** In Unicode code points. */
  maxTextLength: number
  signUp: 'open' | 'closed' | 'invitation'
  /** Encrypts TOTP and webhook secrets in the database. */
  secret: string | undefined
  /** Whether to serve the web client, if it was built. */
  webClient: boolean
  /** Who can send direct messages to whom. */
  directMessages: 'everyone' | 'contacts'
  /** Shares hints, signals and presence between servers. */
  redisUrl: string | undefined
  /** The maximum number of open event streams of this server. */
  maxStreams: number
  eventRetentionDays: number
  /** null keeps messages forever. */
  messageRetentionDays: number | null
  /** Rate limits of callers. */
  limits: Rates
  /** Allowed origins in addition to the server's own. */
  allowedOrigins: readonly string[]
  /** Addresses, ranges and names of ranges whose X-Forwarded-* headers are trusted. */
  trustedProxies: readonly string[]
  /** Internal or plain http hosts, addresses and ranges that webhooks can call. */
  webhookAllowedHosts: readonly string[]
  /** For tokens signed by your back end; undefined if not accepted. */
  userTokens: UserTokenSettings | undefined
  /** The effective settings, to show to admins. */
  settings: readonly Setting[]
  /** Where to export traces, metrics and logs with OTLP; undefined if off. */
  telemetry: TelemetrySettings | undefined
}

/**
 * Reads the settings. An empty variable counts as not set, as in compose files, and each setting can come from the
 * file in `<name>_FILE`.
 *
 * @throws {ConfigError} with the variable and the rule it breaks.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = readSettings(env, settingNames)
  const parsed = environment.safeParse(given.values)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const name = String(issue?.path[0])
    throw new ConfigError(`${name}${given.fromFiles.has(name) ? '_FILE' : ''} ${issue?.message}`)
  }
  const settings = parsed.data
  // 0 picks any free port, separately for each.
  if (settings.METRICS_PORT && settings.METRICS_PORT === settings.PORT) {
    throw new ConfigError('METRICS_PORT must differ from PORT')
  }
  const { DATABASE_REPLICA_URL: replica, DATABASE_URL: primary } = settings
  if (replica !== undefined && [replica, primary].some((url) => parseDatabaseUrl(url).kind === 'sqlite')) {
    throw new ConfigError(
      'DATABASE_REPLICA_URL must be a PostgreSQL replica of DATABASE_URL; SQLite has no replicas',
    )
  }
  return {
    port: settings.PORT,
    host: settings.HOST,
    metricsPort: settings.METRICS_PORT,
    metricsHost: settings.METRICS_HOST ?? settings.HOST,
    databaseUrl: settings.DATABASE_URL,
    databaseDirectUrl: settings.DATABASE_DIRECT_URL,
    databaseReplicaUrl: settings.DATABASE_REPLICA_URL,
    databaseReplicaMaxLagMs: settings.DATABASE_REPLICA_MAX_LAG_MS,
    databasePoolSize: settings.DATABASE_POOL_SIZE,
    preparedStatements: settings.DATABASE_PREPARED_STATEMENTS === 'on',
    migrates: settings.SOTTO_MIGRATE === 'on',
    drainSeconds: settings.SOTTO_DRAIN_SECONDS,
    logLevel: settings.LOG_LEVEL,
    serviceKey: settings.SOTTO_SERVICE_KEY,
    maxTextLength: settings.SOTTO_MAX_TEXT_LENGTH,
    signUp: settings.SOTTO_SIGNUP,
    secret: settings.SOTTO_SECRET,
    webClient: settings.SOTTO_WEB_CLIENT === 'on',
    directMessages: settings.SOTTO_DIRECT_MESSAGES,
    redisUrl: settings.REDIS_URL,
    maxStreams: settings.SOTTO_MAX_STREAMS,
    eventRetentionDays: settings.SOTTO_EVENT_RETENTION_DAYS,
    messageRetentionDays:
      settings.SOTTO_MESSAGE_RETENTION_DAYS === 'off' ? null : settings.SOTTO_MESSAGE_RETENTION_DAYS,
    limits: {
      logins: settings.SOTTO_LIMIT_LOGINS,
      sends: settings.SOTTO_LIMIT_SENDS,
      reads: settings.SOTTO_LIMIT_READS,
      writes: settings.SOTTO_LIMIT_WRITES,
      streams: settings.SOTTO_LIMIT_STREAMS,
      keys: settings.SOTTO_LIMIT_KEYS,
    },
    allowedOrigins: settings.SOTTO_ALLOWED_ORIGINS ?? [],
    trustedProxies: settings.SOTTO_TRUSTED_PROXIES ?? [],
    webhookAllowedHosts: settings.SOTTO_WEBHOOK_ALLOWED_HOSTS ?? [],
    userTokens: userTokensOf(settings),
    settings: listEffectiveSettings(environment.shape, given),
    telemetry: telemetryOf(settings),
  }
}

function userTokensOf(settings: z.output<typeof environment>): UserTokenSettings | undefined {
  const { SOTTO_JWT_SECRET: secret, SOTTO_JWT_JWKS_URL: jwksUrl } = settings
  if (secret !== undefined && jwksUrl !== undefined) {
    throw new ConfigError('SOTTO_JWT_JWKS_URL cannot be set together with SOTTO_JWT_SECRET')
  }
  const keys = secret !== undefined ? { secret } : jwksUrl !== undefined ? { jwksUrl } : undefined
  return (
    keys && {
      keys,
      audience: settings.SOTTO_JWT_AUDIENCE,
      issuer: settings.SOTTO_JWT_ISSUER,
      userClaim: settings.SOTTO_JWT_USER_CLAIM,
      usernameClaim: settings.SOTTO_JWT_USERNAME_CLAIM,
      createUsers: settings.SOTTO_JWT_CREATE_USERS === 'on',
      grantLastingAccess: settings.SOTTO_JWT_LASTING_ACCESS === 'on',
    }
  )
}

function telemetryOf(settings: z.output<typeof environment>): TelemetrySettings | undefined {
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT
  return endpoint === undefined
    ? undefined
    : {
        endpoint,
        headers: settings.OTEL_EXPORTER_OTLP_HEADERS ?? {},
        serviceName: settings.OTEL_SERVICE_NAME,
        resourceAttributes: settings.OTEL_RESOURCE_ATTRIBUTES ?? {},
        traces: settings.OTEL_TRACES_EXPORTER === 'otlp',
        metrics: settings.OTEL_METRICS_EXPORTER === 'otlp',
        logs: settings.OTEL_LOGS_EXPORTER === 'otlp',
        sampler: settings.OTEL_TRACES_SAMPLER,
        samplingRatio: settings.OTEL_TRACES_SAMPLER_ARG,
        metricIntervalMs: settings.OTEL_METRIC_EXPORT_INTERVAL,
      }
}

/** Whether failures print their stack. Works even if the settings are invalid. */
export function isDebugging(env: NodeJS.ProcessEnv): boolean {
  return env.LOG_LEVEL === 'debug' || env.LOG_LEVEL === 'trace'
}
