import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/**
 * Notifies other servers on the same database that the event log has grown. Losing a hint only delays events. Sends
 * nothing while there are no other servers.
 */
export interface Hints {
  /** Sends a hint to the other servers. Calls within a few milliseconds share one. */
  send(): void
  close(): Promise<void>
}

interface HintOptions {
  /** The database. On PostgreSQL, the connection must support LISTEN, so not through a transaction pooler. */
  url: string
  onHint: () => void
  /** Called after each hint that was sent. */
  onSent: () => void
  /** Called when the connection is lost or cannot be established. Reconnecting is automatic. */
  onError: (error: unknown) => void
}

const CHANNEL = 'sotto_events'
const APPLICATION_NAME = 'sotto hints'
const COUNT_OTHERS = `select count(*)::int as others from pg_stat_activity
  where application_name = '${APPLICATION_NAME}' and datname = current_database() and pid <> pg_backend_pid()`
const RECONNECT_MS = 1_000
/** A dead connection looks like a silent one, so a regular query checks it. It also counts the other servers. */
const HEARTBEAT_MS = 5_000
/** If a query takes longer, the connection counts as lost. */
const SILENCE_MS = 12_000
/** Hints within this time are combined. */
const COMBINE_MS = 5

/** Uses LISTEN and NOTIFY on PostgreSQL. Does nothing on SQLite, where the file has only one server. */
export function openHints(options: HintOptions): Hints {
  return /^postgres(ql)?:/.test(options.url) ? new PostgresHints(options) : { send() {}, async close() {} }
}

/** Listens and notifies over a single dedicated connection. */
class PostgresHints implements Hints {
  readonly #options: HintOptions
  #client: pg.Client | undefined
  #hasOthers = false
  #timer: NodeJS.Timeout | undefined
  #sending = false
  #again = false
  #closed = false

  constructor(options: HintOptions) {
    this.#options = options
    void this.#connect()
  }

  send(): void {
    if (!this.#hasOthers) return
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

  /**
   * At commit, NOTIFY takes a lock that is shared by the whole cluster. So only one runs at a time, and it covers all
   * hints requested in the meantime.
   */
  async #notify(): Promise<void> {
    this.#sending = true
    do {
      this.#again = false
      await this.#client?.query(`notify ${CHANNEL}`).then(this.#options.onSent, () => {})
      await wait(COMBINE_MS)
    } while (this.#again)
    this.#sending = false
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: APPLICATION_NAME,
      query_timeout: SILENCE_MS,
      connectionTimeoutMillis: SILENCE_MS,
    })
    let lost = false
    let heartbeat: NodeJS.Timeout | undefined
    const lose = (error: unknown) => {
      if (lost) return
      lost = true
      clearInterval(heartbeat)
      if (this.#client === client) this.#client = undefined
      // `end()` would wait for an answer, which a dead connection never gives.
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
      // A name in the URL takes precedence over the option.
      await client.query(`set application_name = '${APPLICATION_NAME}'`)
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      client.on('notification', ({ processId }) => {
        // PostgreSQL also delivers this connection's own notifications.
        if (processId !== rows[0]?.pid) this.#onNotification()
      })
      await client.query(`listen ${CHANNEL}`)
      await this.#countOthers(client)
      // The others send hints from now on.
      await client.query(`notify ${CHANNEL}`)
    } catch (error) {
      lose(error)
      return
    }
    if (this.#closed) return void client.end().catch(() => {})
    this.#client = client
    heartbeat = setInterval(() => void this.#countOthers(client).catch(lose), HEARTBEAT_MS)
    heartbeat.unref()
    // Hints may have been sent while no connection was listening.
    this.#options.onHint()
  }

  #onNotification(): void {
    if (!this.#hasOthers) {
      this.#hasOthers = true
      // The other server has not been sent the hints since it connected.
      this.send()
    }
    this.#options.onHint()
  }

  async #countOthers(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ others: number }>(COUNT_OTHERS)
    this.#hasOthers = (rows[0]?.others ?? 0) > 0
  }
}
