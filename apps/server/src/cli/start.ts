import { createServer, type Server } from '../app/server.ts'
import { MetricsListenError } from '../metrics/metrics-server.ts'
import type { Config } from '../settings/config.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { setupLink } from './links.ts'
import { reachableUrl } from './reachable-url.ts'

/**
 * The process exits this long after SOTTO_DRAIN_SECONDS even if closing hangs, in milliseconds. Open requests have ten
 * seconds of it.
 */
const STOP_LIMIT_MS = 20_000
/** How long after closing the process exits even if work is pending, such as telemetry to an unreachable collector. */
const EXIT_DELAY_MS = 200

/** `sotto start`: runs the server until SIGINT or SIGTERM. */
export async function start({ stdout, stopSignal }: Io, config: Config): Promise<void> {
  await using server = await createServer(config, stopSignal && { logTo: stdout })
  const stopped = stopSignal ?? untilSignalled()
  const url = await listen(server, config).catch((error) => {
    // The secrets already exist in the database and cannot be shown later.
    stdout.write(firstStartSecrets(server))
    throw error
  })
  // The database may already exist from `sotto migrate` or `sotto seed`.
  const { isFirstStart, newServiceKey, setupToken } = server
  if (isFirstStart || newServiceKey !== undefined || setupToken !== undefined) {
    stdout.write(welcome(url, server))
  } else if (stdout.isTTY) {
    stdout.write(`Sotto is running at ${url} (data: ${server.dataLocation}). Press Ctrl+C to stop.\n`)
  }
  const { log } = server.app
  if (!stdout.isTTY) log.info({ url, metrics: server.metricsUrl, data: server.dataLocation }, 'listening')
  const signal = await stopped
  if (stdout.isTTY) stdout.write('\nStopping\n')
  else log.info({ signal }, 'stopping')
  // Every response that was sent is committed.
  if (!stopSignal) exitAfter(config.drainSeconds * 1_000 + STOP_LIMIT_MS)
  await server.close()
  if (!stopSignal) exitAfter(EXIT_DELAY_MS)
}

/** Ends the process, unless it ends before. */
function exitAfter(milliseconds: number): void {
  setTimeout(() => process.exit(0), milliseconds).unref()
}

/** Resolves on the first signal and ignores later ones: shells and process managers often send two. */
function untilSignalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal))
  })
}

async function listen(server: Server, { host, port, metricsHost, metricsPort }: Config): Promise<string> {
  try {
    const { port: actualPort } = new URL(await server.listen())
    return reachableUrl(host, actualPort)
  } catch (error) {
    const problem =
      error instanceof MetricsListenError
        ? listenProblem(error.cause, `METRICS_HOST ${metricsHost}`, `METRICS_PORT ${metricsPort}`)
        : listenProblem(error, `HOST ${host}`, `PORT ${port}`)
    throw new CommandError(problem, { cause: error })
  }
}

/** @param host, port the settings with their names, such as `PORT 1337`. */
function listenProblem(error: unknown, host: string, port: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  switch (code) {
    case 'EADDRINUSE':
      return `${port} is already in use on ${host}`
    case 'EACCES':
      return `no permission to listen on ${port}: ports below 1024 are privileged`
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this host`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} cannot be resolved`
    default:
      return `cannot listen on ${host}, ${port}: ${error instanceof Error ? error.message : error}`
  }
}

/** The output if the first start has created secrets but cannot listen. */
function firstStartSecrets({ newServiceKey, setupToken }: Server): string {
  const account = setupToken ? '\n`sotto setup` prints a link for the first account.\n' : ''
  return newServiceKey || setupToken ? `\n${keyLine(newServiceKey)}${account}\n` : ''
}

function keyLine(serviceKey: string | undefined): string {
  if (serviceKey === undefined) return ''
  return `  Service key  ${serviceKey}\n               (shown only once: save it now)\n`
}

function welcome(url: string, server: Server): string {
  const key = server.newServiceKey ?? '$SOTTO_SERVICE_KEY'
  const auth = `-H "Authorization: Bearer ${key}" -H "Content-Type: application/json"`
  const account = server.setupToken
    ? `Create your account in a browser, or try the demo first (valid for a day):

  ${setupLink(url, server.setupToken)}

`
    : ''
  return `
Sotto is running.

  Address      ${url}
  Data         ${server.dataLocation}
${keyLine(server.newServiceKey)}  Reference    ${url}/docs

${account}Create two users and send a first message:

  curl ${auth} -d '{"username":"alice"}' ${url}/v1/users
  curl ${auth} -d '{"username":"bob"}' ${url}/v1/users
  curl ${auth} -d '{"from":"alice","to":"bob","text":"Hello, Bob!"}' ${url}/v1/messages

`
}
