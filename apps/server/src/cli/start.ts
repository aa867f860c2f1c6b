import { readConfig } from '../config.ts'
import { createServer, type Server } from '../server.ts'

/** `sotto start`: serves until it is told to stop. */
export async function start(): Promise<void> {
  const config = readConfig()
  await using server = await createServer(config)
  const stopped = untilSignalled()
  const url = await server.listen()
  if (server.isFirstStart) process.stdout.write(welcome(url, server))
  server.app.log.info({ url, data: server.dataLocation }, 'listening')
  server.app.log.info({ signal: await stopped }, 'stopping')
  await server.close()
}

/** Shells and process managers often send the same wish twice: only the first counts, the stop is bounded anyway. */
function untilSignalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal))
  })
}

function welcome(url: string, server: Server): string {
  const key = server.newServiceKey ?? '$SOTTO_SERVICE_KEY'
  const auth = `-H "Authorization: Bearer ${key}" -H "Content-Type: application/json"`
  const keyLine = server.newServiceKey
    ? `  Service key  ${server.newServiceKey}\n               (shown this once: keep it)\n`
    : ''
  return `
Sotto is running.

  Address      ${url}
  Data         ${server.dataLocation}
${keyLine}  Reference    ${url}/docs

Make two users, and send a first message:

  curl ${auth} -d '{"username":"alice"}' ${url}/v1/users
  curl ${auth} -d '{"username":"bob"}' ${url}/v1/users
  curl ${auth} -d '{"from":"alice","to":"bob","text":"Hello, Bob!"}' ${url}/v1/messages

`
}
