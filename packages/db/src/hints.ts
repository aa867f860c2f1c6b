import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/** Tells other servers on the same database that the event log has grown. A hint that is lost is only late. */
export interface Hints {
  /** Says it to the others; many within a moment are one. */
  send(): void
  close(): Promise<void>
}

interface HintOptions {
  /** The database; on PostgreSQL a connection that LISTEN works over, not a transaction pooler's. */
  url: string
  onHint: () => void
  /** The others have been told. */
  onSent: () => void
  /** The connection was lost, or could not be made. It is made again by itself. */
  onError: (error: unknown) => void
}

const CHANNEL = 'sotto_events'
const RECONNECT_MS = 1_000
/** Whoever listens hears nothing for long: a connection that is dead without saying so is noticed by asking. */
const ASK_EVERY_MS = 5_000
/** An answer that takes longer does not come. */
const SILENCE_MS = 12_000
/** Hints within this time are one. */
const PAUSE_MS = 5

/** PostgreSQL's LISTEN and NOTIFY. A SQLite file has one server, which needs nobody to tell it. */
export function openHints(options: HintOptions): Hints {
  return /^postgres(ql)?:/.test(options.url) ? new PostgresHints(options) : { send() {}, async close() {} }
}

/** One connection of its own, that listens and notifies. */
class PostgresHints implements Hints {
  readonly #options: HintOptions
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #sending = false
  #again = false
  #closed = false

  constructor(options: HintOptions) {
    this.#options = options
    void this.#connect()
  }

  send(): void {
    if (this.#sending) {
      this.#again = true
      return
    }
    void this.#notify()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#client?.end().catch(() => {})
  }

  /** NOTIFY takes a lock of the whole cluster at commit, so there is one at a time, for all that came meanwhile. */
  async #notify(): Promise<void> {
    this.#sending = true
    do {
      this.#again = false
      await this.#client?.query(`notify ${CHANNEL}`).then(this.#options.onSent, () => {})
      await wait(PAUSE_MS)
    } while (this.#again)
    this.#sending = false
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: 'sotto hints',
      query_timeout: SILENCE_MS,
      connectionTimeoutMillis: SILENCE_MS,
    })
    let lost = false
    let asking: NodeJS.Timeout | undefined
    const lose = (error: unknown) => {
      if (lost) return
      lost = true
      clearInterval(asking)
      if (this.#client === client) this.#client = undefined
      // A good-bye would wait for one that is dead.
      client.connection.stream.destroy()
      if (this.#closed) return
      this.#options.onError(error)
      this.#timer = setTimeout(() => void this.#connect(), RECONNECT_MS)
      this.#timer.unref()
    }
    client.on('error', lose)
    client.on('end', () => lose(new Error('the connection for hints ended')))
    try {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      client.on('notification', ({ processId }) => {
        // Our own come back too.
        if (processId !== rows[0]?.pid) this.#options.onHint()
      })
      await client.query(`listen ${CHANNEL}`)
    } catch (error) {
      lose(error)
      return
    }
    if (this.#closed) return void client.end().catch(() => {})
    this.#client = client
    asking = setInterval(() => void client.query('select 1').catch(lose), ASK_EVERY_MS)
    asking.unref()
    // What was said while nobody listened.
    this.#options.onHint()
  }
}
