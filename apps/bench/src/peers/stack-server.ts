import { createServer } from 'node:http'
import { drizzle } from 'drizzle-orm/node-postgres'
import express, { type Request } from 'express'
import pg from 'pg'
import { Server } from 'socket.io'
import { preparePages, sendMessage } from './stack-messages.ts'
import { createTables, users } from './stack-schema.ts'
import { verifyToken } from './tokens.ts'

// What a team writes that builds messaging itself: Express, Drizzle over node-postgres, socket.io. Every message is a
// transaction, and its event is emitted after the commit.

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const db = drizzle(pool)
const existing = await pool.query(`select to_regclass('users') as users`)
if (existing.rows[0]?.users === null) await db.execute(createTables)
const findPage = preparePages(db)

const app = express()
app.disable('x-powered-by')
app.use(express.json())
app.get('/healthz', (_request, response) => {
  response.send('ok')
})

app.post('/users', async (request, response) => {
  const [user] = await db.insert(users).values({ username: request.body.username }).returning()
  response.status(201).json(user)
})

app.use((request, response, next) => {
  const userId = userIdOf(request.headers.authorization?.replace(/^Bearer /, ''))
  if (userId === undefined) {
    response.status(401).json({ error: 'a valid token is required' })
    return
  }
  response.locals.userId = userId
  next()
})

app.post('/messages', async (request: Request, response) => {
  const { conversationId, to, text } = request.body
  const isTarget = (value: unknown) => value === undefined || typeof value === 'string'
  if (typeof text !== 'string' || !text || !isTarget(conversationId) || !isTarget(to)) {
    response.status(400).json({ error: 'text and either conversationId or to are required' })
    return
  }
  const sent = await sendMessage(db, response.locals.userId, { conversationId, to }, text)
  if (!sent) {
    response.status(404).json({ error: 'no such conversation or user' })
    return
  }
  io.to(sent.participantIds.map(roomOf)).emit('message', sent.message)
  response.status(201).json(sent.message)
})

app.get('/conversations/:conversationId/messages', async (request, response) => {
  const before = Number(request.query.before ?? Number.MAX_SAFE_INTEGER)
  const limit = Math.min(Number(request.query.limit ?? 50), 100)
  const items = await findPage(response.locals.userId, request.params.conversationId, before, limit)
  if (!items) {
    response.status(404).json({ error: 'no such conversation' })
    return
  }
  response.json({ items, nextBefore: items.at(-1)?.seq ?? null })
})

const server = createServer(app)
const io = new Server(server, { transports: ['websocket'], serveClient: false })
io.use((socket, next) => {
  const userId = userIdOf(socket.handshake.auth.token)
  if (userId === undefined) {
    next(new Error('a valid token is required'))
    return
  }
  socket.data.userId = userId
  next()
})
io.on('connection', (socket) => socket.join(roomOf(socket.data.userId)))

function userIdOf(token: string | undefined): string | undefined {
  return token === undefined ? undefined : verifyToken(token)?.sub
}

function roomOf(userId: string): string {
  return `user:${userId}`
}

process.once('SIGTERM', () => process.exit(0))
server.listen(Number(process.env.PORT), '127.0.0.1')
