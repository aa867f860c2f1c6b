import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { createLogger, createServer } from 'vite'

// `pnpm dev`: runs the server, restarted when one of its sources changes, behind Vite, which serves the web client and
// updates it in place. Vite's watcher serves both, because `node --watch` loses track of files that an editor replaces
// when it saves.

const root = path.join(import.meta.dirname, '..')
const serverSources = ['apps/server/src', 'packages/contract/src', 'packages/db/src'].map((folder) =>
  path.join(root, folder, path.sep),
)
// A copy, because Vite sets NODE_ENV in this process.
const env = { ...process.env }
let server: ChildProcess | undefined
let hasChanged = false
let isStopping = false

const vite = await createServer({ root: path.join(root, 'apps/web'), customLogger: createQuietLogger() })
await vite.listen()
vite.printUrls()
const webUrl = vite.resolvedUrls?.local[0] ?? ''
startServer()
vite.watcher.add(serverSources).on('all', (_event, file) => {
  if (serverSources.some((folder) => file.startsWith(folder))) restartServer()
})

// Vite's listener exits immediately, but the server may need a moment.
process.removeAllListeners('SIGTERM')
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
// Also runs if Vite crashes.
process.on('exit', () => server?.kill())

function startServer(): void {
  hasChanged = false
  const child = spawn(process.execPath, ['apps/server/src/main.ts', 'start'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface({ input: child.stdout }).on('line', (line) => console.log(withWebClient(line)))
  child.on('exit', () => {
    server = undefined
    if (isStopping) return
    if (hasChanged) startServer()
    else console.error('dev: the server has exited and restarts when one of its sources changes')
  })
  server = child
}

function restartServer(): void {
  if (isStopping) return
  hasChanged = true
  if (server) server.kill()
  else startServer()
}

function stop(): void {
  if (isStopping) return
  isStopping = true
  server?.kill()
  void vite.close()
}

/** Replaces the address in the setup link with Vite's: the built web client may be missing or outdated. */
function withWebClient(line: string): string {
  return line.replace(/http:\S+\/(?=welcome#)/, webUrl)
}

/** Suppresses the errors for requests of open pages while the server restarts. */
function createQuietLogger(): ReturnType<typeof createLogger> {
  const logger = createLogger()
  return {
    ...logger,
    error(message, options) {
      const { error } = options ?? {}
      if (!(error && 'code' in error && error.code === 'ECONNREFUSED')) logger.error(message, options)
    },
  }
}
