import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import superjson from 'superjson'

/** Opens a stream of events and reads nothing until `readAll`. */
export async function openPausedSse(
  url: string,
  headers: Record<string, string>,
): Promise<Disposable & { readAll(): Promise<string> }> {
  const call = request(url, { agent: false, headers })
  call.on('error', () => {})
  call.end()
  const [response] = await once(call, 'response')
  response.pause()
  return {
    async readAll() {
      let text = ''
      try {
        for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
      } catch {
        // The stream was interrupted.
      }
      return text
    },
    [Symbol.dispose]: () => void call.destroy(),
  }
}

/** Subscribes to events over WebSocket and never reads any. */
export async function openPausedWs(
  url: string,
  { authorization, 'act-as': actAs = '' }: Record<string, string>,
): Promise<Disposable> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET /trpc HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${authorization}\r\nact-as: ${actAs}\r\n` +
      `connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
  )
  await once(socket, 'data')
  const params = { path: 'events.stream', input: superjson.serialize({}) }
  socket.write(frame(JSON.stringify({ id: 1, method: 'subscription', params })))
  await once(socket, 'data')
  socket.pause()
  return { [Symbol.dispose]: () => void socket.destroy() }
}

/** A text frame of RFC 6455, masked with zeros. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text)
  if (payload.length > 125) {
    const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0])
    return Buffer.concat([head, payload])
  }
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}
