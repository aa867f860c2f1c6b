import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import superjson, { type SuperJSONResult } from 'superjson'
import { SERVICE_KEY } from './processes.ts'

interface ReadEvent {
  id: string
  type: string
  message?: { id: string; seq: number; conversationId: string }
}

/** Checks events as they arrive. */
export class Tally {
  readonly seen = new Set<string>()
  readonly messageIds = new Set<string>()
  readonly #lastSeq = new Map<string, number>()
  readonly #firstAfter: number
  connects = 0
  /** Events that were delivered again after a reconnect, which readers drop by id. */
  repeats = 0
  gaps = 0
  resyncs = 0
  duplicates = 0

  /** @param firstAfter the last seq before the reader started. */
  constructor(firstAfter = 0) {
    this.#firstAfter = firstAfter
  }

  add(event: ReadEvent): void {
    if (event.type === 'resync') this.resyncs++
    if (this.seen.has(event.id)) {
      this.repeats++
      return
    }
    this.seen.add(event.id)
    if (event.type !== 'message.created' || !event.message) return
    const { id, conversationId, seq } = event.message
    if (this.messageIds.has(id)) this.duplicates++
    this.messageIds.add(id)
    if (seq !== (this.#lastSeq.get(conversationId) ?? this.#firstAfter) + 1) this.gaps++
    this.#lastSeq.set(conversationId, seq)
  }
}

/** Reads the events of one user. Reconnects automatically with its last cursor. */
export class Reader {
  readonly tally: Tally
  readonly #user: string
  readonly #transport: 'sse' | 'ws'
  readonly #urls: readonly string[]
  #cursor: string | undefined
  #disconnectNow: (() => void) | undefined
  #stopped = false
  readonly #running: Promise<void>

  constructor(
    user: string,
    transport: 'sse' | 'ws',
    urls: readonly string[],
    cursor: string,
    tally = new Tally(),
  ) {
    this.tally = tally
    this.#user = user
    this.#transport = transport
    this.#urls = urls
    this.#cursor = cursor
    this.#running = this.#run()
  }

  /** Disconnects at this moment. */
  disconnect(): void {
    this.#disconnectNow?.()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.disconnect()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const url = this.#urls[this.tally.connects++ % this.#urls.length] ?? ''
      await (this.#transport === 'sse' ? this.#readSse(url) : this.#readWs(url))
      if (!this.#stopped) await wait(Math.random() * 20)
    }
  }

  #readSse(url: string): Promise<void> {
    return new Promise((resolve) => {
      const call = request(`${url}/v1/events`, {
        agent: false,
        headers: {
          authorization: `Bearer ${SERVICE_KEY}`,
          'act-as': this.#user,
          ...(this.#cursor !== undefined && { 'last-event-id': this.#cursor }),
        },
      })
      let left = false
      this.#disconnectNow = () => {
        left = true
        call.destroy()
      }
      call.on('error', () => {})
      call.on('close', resolve)
      call.on('response', (response) => {
        let text = ''
        response.on('error', () => {})
        response.setEncoding('utf8').on('data', (chunk: string) => {
          if (left || response.statusCode !== 200) return
          text += chunk
          const blocks = text.split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) {
            const data = /^data: (.*)$/m.exec(block)?.[1]
            if (data !== undefined) this.tally.add(JSON.parse(data) as ReadEvent)
            this.#cursor = /^id: (.*)$/m.exec(block)?.[1] ?? this.#cursor
          }
        })
      })
      call.end()
    })
  }

  #readWs(url: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc?connectionParams=1`)
      let left = false
      this.#disconnectNow = () => {
        left = true
        socket.close()
        resolve()
      }
      socket.addEventListener('close', () => resolve())
      socket.addEventListener('error', () => resolve())
      socket.addEventListener('open', () => {
        const data = { authorization: `Bearer ${SERVICE_KEY}`, actAs: this.#user }
        socket.send(JSON.stringify({ method: 'connectionParams', data }))
        const params = { path: 'events.stream', input: superjson.serialize({}), lastEventId: this.#cursor }
        socket.send(JSON.stringify({ id: 1, method: 'subscription', params }))
      })
      socket.addEventListener('message', ({ data }) => {
        if (left) return
        if (data === 'PING') return socket.send('PONG')
        const { result, error } = JSON.parse(String(data)) as {
          result?: { data?: SuperJSONResult }
          error?: object
        }
        if (error) return this.#disconnectNow?.()
        if (!result?.data) return
        const tracked = superjson.deserialize<{ id: string; data: ReadEvent }>(result.data)
        this.tally.add(tracked.data)
        this.#cursor = tracked.id
      })
    })
  }
}
