import { openHints } from '@sotto/db'
import type { Logger } from 'pino'
import type { SharedBuckets } from '../limits/shared-buckets.ts'
import type { Config } from '../settings/config.ts'
import type { SharedPresence } from './presence.ts'
import type { Signal } from './signals.ts'

/**
 * The other servers on the same database. Events do not depend on reaching them: without hints they arrive with the
 * next poll. Signals are then seen on their own server only.
 */
export interface Cluster {
  /** The event log has grown. */
  hint(): void
  /** Sends a signal, which is not stored, to the streams of the other servers. */
  signal(signal: Signal): void
  /** Who is online on the other servers; undefined if servers do not share that. */
  readonly presence: SharedPresence | undefined
  /** How much of their rate limits callers have used; undefined if servers do not share that. */
  readonly buckets: SharedBuckets | undefined
  close(): Promise<void>
}

interface Hooks {
  /** Another server has written to the log, or a lost connection is back. */
  onHint: () => void
  /** A hint was sent. Changes in quick succession share one. */
  onHintSent: () => void
  onSignal: (signal: Signal) => void
  streamingUsers: () => Iterable<string>
}

export type Connect = (hooks: Hooks) => Cluster

/** For a command, which has no streams. Servers see what it writes at their next poll. */
export const standalone: Connect = () => ({
  hint() {},
  signal() {},
  presence: undefined,
  buckets: undefined,
  async close() {},
})

/** Uses Redis or Valkey if configured. Otherwise PostgreSQL, for hints only. */
export async function connectCluster(
  config: Pick<Config, 'redisUrl' | 'databaseUrl' | 'databaseDirectUrl'>,
  log: Logger,
): Promise<Connect> {
  const { redisUrl } = config
  if (redisUrl !== undefined) {
    // Loaded on demand: the client takes some megabytes of memory.
    const { RedisLink } = await import('./redis-link.ts')
    return (hooks) => {
      const link = new RedisLink({ url: redisUrl, log, ...hooks })
      return {
        hint: () => link.hint(),
        signal: (signal) => link.signal(signal),
        presence: link,
        buckets: link,
        async close() {
          link.close()
        },
      }
    }
  }
  return ({ onHint, onHintSent }) => {
    const hints = openHints({
      url: config.databaseDirectUrl ?? config.databaseUrl,
      onHint,
      onSent: onHintSent,
      onError: (error) => log.warn({ err: error }, 'LISTEN connection lost, falling back to polling'),
    })
    return {
      hint: () => hints.send(),
      signal() {},
      presence: undefined,
      buckets: undefined,
      close: () => hints.close(),
    }
  }
}
