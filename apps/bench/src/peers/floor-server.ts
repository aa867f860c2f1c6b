import type { ServerResponse } from 'node:http'
import fastify from 'fastify'

// The least that HTTP costs: a bare Fastify that writes a message to its recipient's stream of Server-Sent Events and
// to the sender's, and stores nothing. The bearer token is the username.

const streams = new Map<string, Set<ServerResponse>>()
let messages = 0

const app = fastify()
app.get('/healthz', async () => 'ok')

app.get('/v1/events', (request, reply) => {
  const user = userOf(request.headers.authorization)
  const own = streams.get(user) ?? new Set()
  streams.set(user, own.add(reply.raw))
  reply.hijack()
  reply.raw.once('close', () => own.delete(reply.raw))
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  reply.raw.write(': connected\n\n')
})

app.post<{ Body: { to: string; text: string } }>('/v1/messages', async (request, reply) => {
  const from = userOf(request.headers.authorization)
  const { to, text } = request.body
  const message = { id: String(++messages), conversationId: [from, to].sort().join(':'), seq: messages, text }
  const block = `event: message.created\ndata: ${JSON.stringify(message)}\n\n`
  for (const user of new Set([from, to])) for (const stream of streams.get(user) ?? []) stream.write(block)
  reply.code(201)
  return message
})

function userOf(authorization: string | undefined): string {
  return authorization?.replace('Bearer ', '') ?? ''
}

process.once('SIGTERM', () => process.exit(0))
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
