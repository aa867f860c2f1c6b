// A program that embeds the server. package.test.ts type-checks and runs it outside this repository.
import { createClient } from '@sotto/sdk'
import { type Config, ConfigError, createServer, readConfig, type Server } from '@sotto/server'

const serviceKey = 'sk_embedded'
const config: Config = readConfig({
  DATABASE_URL: 'file::memory:',
  LOG_LEVEL: 'silent',
  PORT: '0',
  SOTTO_SERVICE_KEY: serviceKey,
})
const server: Server = await createServer(config)
const url = await server.listen()
const user = await createClient({ url, token: serviceKey }).users.create({ username: 'alice' })

const reference = await (await server.fetch(new Request(new URL('/docs', url)))).text()
const [, script = '/no-script'] = /src="(\/assets\/[^"]+)"/.exec(reference) ?? []
const assets: number[] = []
for (const path of ['/readyz', '/', '/docs', script]) {
  assets.push((await server.fetch(new Request(new URL(path, url)))).status)
}
await server.close()

let configError = ''
try {
  readConfig({ PORT: 'many' })
} catch (error) {
  if (error instanceof ConfigError) configError = error.message
}

// Never called: this must not compile.
export function wrong(): void {
  // @ts-expect-error: a port is a number
  void createServer({ ...config, port: '1337' })
}

console.log(JSON.stringify({ username: user.username, assets, configError }))
