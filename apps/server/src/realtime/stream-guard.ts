import { type Executor, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Caller } from '../auth/caller.ts'
import type { Subscription } from './subscription.ts'

/** How often credentials of open streams are checked, in milliseconds. A revocation takes effect within twice this time. */
const CHECK_MS = 1_000

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  /** The service key set in SOTTO_SERVICE_KEY, which is not in the database. */
  configuredKeyId: string
}

/**
 * Ends streams whose token or key has been revoked or has expired, whose password has changed, or whose user has been
 * erased. Checks all streams of this server together, once a second.
 */
export class StreamGuard {
  readonly #options: Options
  readonly #streams = new Map<Subscription, Caller>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  watch(stream: Subscription, caller: Caller): void {
    // The server may have stopped while the stream was opening.
    if (stream.hasEnded) return
    this.#streams.set(stream, caller)
    this.#schedule()
  }

  forget(stream: Subscription): void {
    this.#streams.delete(stream)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#streams.clear()
  }

  #schedule(): void {
    if (this.#timer || this.#streams.size === 0) return
    this.#timer = setTimeout(() => void this.#check(), CHECK_MS)
    this.#timer.unref()
  }

  async #check(): Promise<void> {
    try {
      const isValid = await this.#validity()
      for (const [stream, caller] of this.#streams) {
        if (!isValid(caller)) stream.end('unauthenticated')
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, 'checking the credentials of streams failed, will retry')
    } finally {
      this.#timer = undefined
      this.#schedule()
    }
  }

  async #validity(): Promise<(caller: Caller) => boolean> {
    const { db, now, configuredKeyId } = this.#options
    const sessionIds = new Set<string>()
    const keyIds = new Set<string>()
    const userIds = new Set<string>()
    const actedForIds = new Set<string>()
    for (const caller of this.#streams.values()) {
      if (caller.kind === 'key' && caller.keyId !== configuredKeyId) keyIds.add(caller.keyId)
      if (caller.kind === 'key' && caller.actor) actedForIds.add(caller.actor.id)
      if (caller.kind === 'user' && caller.credential.kind === 'session') sessionIds.add(caller.credential.id)
      if (caller.kind === 'user' && caller.credential.kind !== 'session') userIds.add(caller.actor.id)
    }
    const sessions = new Set(await store.sessions.findLive(db, [...sessionIds], now()))
    const keys = new Set(await store.serviceKeys.findLive(db, [...keyIds], now()))
    const users = await store.credentials.findCurrent(db, [...userIds])
    const erased = new Set(await store.erasure.findErased(db, [...actedForIds]))
    function isValidCredential({ actor, credential }: Extract<Caller, { kind: 'user' }>): boolean {
      switch (credential.kind) {
        case 'session':
          return sessions.has(credential.id)
        case 'password':
          return users.get(actor.id)?.passwordHash === credential.hash
        case 'token':
          // Disabled and erased users have no entry. The external id is the token's subject.
          return credential.expiresAt > now() && users.get(actor.id)?.externalId === actor.externalId
      }
    }
    return (caller) => {
      switch (caller.kind) {
        case 'anonymous':
          return false
        case 'key':
          if (caller.actor && erased.has(caller.actor.id)) return false
          return caller.keyId === configuredKeyId || keys.has(caller.keyId)
        case 'user':
          return isValidCredential(caller)
      }
    }
  }
}
