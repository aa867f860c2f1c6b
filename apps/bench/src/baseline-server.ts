import Sqlite from 'better-sqlite3'
import fastify from 'fastify'
import pg from 'pg'

// The minimum cost of a page: a plain route that runs the same prepared statement and stringifies its rows.

const { DATABASE_URL = '', PORT, STATEMENT = '' } = process.env
const { sql, parameters } = JSON.parse(STATEMENT) as { sql: string; parameters: unknown[] }

const app = fastify()
app.get('/healthz', async () => 'ok')

if (DATABASE_URL.startsWith('file:')) {
  const database = new Sqlite(DATABASE_URL.slice('file:'.length))
  database.pragma('cache_size = -32768')
  const statement = database.prepare(sql)
  app.get('/page', async (_request, reply) => {
    reply.header('content-type', 'application/json; charset=utf-8')
    return JSON.stringify({ items: statement.all(parameters) })
  })
} else {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 })
  app.get('/page', async (_request, reply) => {
    const { rows } = await pool.query({ name: 'page', text: sql, values: parameters })
    reply.header('content-type', 'application/json; charset=utf-8')
    return JSON.stringify({ items: rows })
  })
}

process.once('SIGTERM', () => process.exit(0))
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
