import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** An open stream of one user. */
export interface Receiver {
  close(): void
}

/** Called with the JSON of each event about a new message. */
export type OnEvent = (json: string) => void

// Both receivers read plain sockets, so that they take as little of the processor as possible, and equally much.

/** Opens a stream of Server-Sent Events at /v1/events. */
export function openEventStream(url: string, token: string, onEvent: OnEvent): Promise<Receiver> {
  const socket = connectTo(url)
  socket.setEncoding('utf8')
  socket.write(`GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  let rest = ''
  return opened(socket, (resolve) => {
    socket.on('data', (text: string) => {
      rest += text
      for (;;) {
        const end = rest.indexOf('\n\n')
        if (end === -1) return
        // A block also contains the framing of chunks, which is between blocks.
        const block = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (block.includes(': connected')) resolve()
        const data = block.indexOf('data: ')
        if (data !== -1 && block.includes('event: message.created'))
          onEvent(block.slice(data + 'data: '.length))
      }
    })
  })
}

/** Connects to socket.io over a WebSocket. */
export function openSocketIo(url: string, token: string, onEvent: OnEvent): Promise<Receiver> {
  const socket = connectTo(url)
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  let rest: Buffer = Buffer.alloc(0)
  let isUpgraded = false
  return opened(socket, (resolve) => {
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      if (!isUpgraded) {
        const end = rest.indexOf('\r\n\r\n')
        if (end === -1) return
        isUpgraded = true
        rest = rest.subarray(end + 4)
      }
      for (;;) {
        const frame = frameIn(rest)
        if (!frame) return
        rest = rest.subarray(frame.end)
        const { text } = frame
        // Engine.io's packets: 0 open, 2 ping, 3 pong, 4 message. Socket.io's within messages: 0 connect, 2 event.
        if (text.startsWith('0')) socket.write(textFrame(`40${JSON.stringify({ token })}`))
        else if (text === '2') socket.write(textFrame('3'))
        else if (text.startsWith('40')) resolve()
        else if (text.startsWith('42["message",')) onEvent(text.slice('42["message",'.length, -1))
      }
    })
  })
}

function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect({ port: Number(port), host: hostname, noDelay: true })
}

function opened(socket: Socket, listen: (resolve: () => void) => void): Promise<Receiver> {
  const { promise, resolve, reject } = Promise.withResolvers<Receiver>()
  let isClosing = false
  socket.on('error', reject)
  socket.on('close', () => {
    if (isClosing) return
    reject(new Error('a stream was refused'))
    console.error('a stream was closed by the server')
  })
  listen(() =>
    resolve({
      close() {
        isClosing = true
        socket.destroy()
      },
    }),
  )
  return promise
}

/** The first complete frame of a server, which does not mask. */
function frameIn(buffer: Buffer): { text: string; end: number } | undefined {
  const short = buffer[1]
  if (short === undefined || short === 127) return undefined
  const start = short === 126 ? 4 : 2
  if (buffer.length < start) return undefined
  const end = start + (short === 126 ? buffer.readUInt16BE(2) : short)
  return buffer.length < end ? undefined : { text: buffer.toString('utf8', start, end), end }
}

/** A masked text frame, as clients send. The mask is zero, which changes nothing. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload])
}
