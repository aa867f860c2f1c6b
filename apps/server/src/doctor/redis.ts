import { type Finding, failed, ok } from './finding.ts'

const CONNECT_MS = 2_000

/** Checks that Redis or Valkey is reachable. Yields nothing if it is not configured. */
export async function* examineRedis(redisUrl: string | undefined): AsyncGenerator<Finding> {
  if (redisUrl === undefined) return
  // Loaded on demand: the client takes several megabytes of memory.
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url: redisUrl,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  })
  // connect() and ping() reject with the same error.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.ping()
    yield ok('redis', 'reachable')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    yield failed(
      'redis',
      `not reachable: ${message}`,
      'check that it is running and that REDIS_URL is correct; without it, typing, presence and rate limits are per server',
    )
  } finally {
    if (client.isOpen) client.destroy()
  }
}
