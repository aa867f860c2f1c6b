import { createServer, readConfig, type Server } from '@sotto/server'
import { SERVICE_KEY, type Statement } from './server-process.ts'

/** Runs a server in this process. `capture` returns the statements that a request runs. */
export async function withServer<T>(
  databaseUrl: string,
  work: (server: Server, capture: (request: () => Promise<unknown>) => Promise<Statement[]>) => Promise<T>,
): Promise<T> {
  let captured: Statement[] | undefined
  await using server = await createServer(
    { ...readConfig({}), port: 0, databaseUrl, logLevel: 'error', serviceKey: SERVICE_KEY },
    { onStatement: (sql, parameters) => captured?.push({ sql, parameters }) },
  )
  return await work(server, async (request) => {
    captured = []
    await request()
    const statements = captured
    captured = undefined
    return statements
  })
}

/** Sends a request to a server in this process. Throws if the status is not 2xx. */
export async function call(
  server: Server,
  method: string,
  path: string,
  body?: object,
  actAs?: string,
): Promise<unknown> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${SERVICE_KEY}`,
    'content-type': 'application/json',
  }
  if (actAs) headers['act-as'] = actAs
  const request = new Request(`http://sotto${path}`, {
    method,
    headers,
    body: body ? JSON.stringify(body) : null,
  })
  const response = await server.fetch(request)
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
