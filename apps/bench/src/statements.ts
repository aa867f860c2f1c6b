import { createServer, readConfig, type Server } from '@sotto/server'
import { SERVICE_KEY, type Statement } from './server-process.ts'

/** Runs requests against the server in this process, and gives back what they asked of the database. */
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

/** A request to a server in this process; it throws for anything but a 2xx. */
export async function ask(
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
  const answer = await server.fetch(request)
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}
