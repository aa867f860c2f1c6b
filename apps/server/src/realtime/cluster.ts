import { openHints } from '@sotto/db'
import type { Logger } from 'pino'
import type { SharedBuckets } from '../limits/shared-buckets.ts'
import type { Config } from '../settings/config.ts'
import type { SharedPresence } from './presence.ts'
import type { ClusterMessage } from './signals.ts'

/**
 * The connection to the other servers on the same database. If they cannot be reached, events still arrive with the
 * next poll, and signals stay on their own server.
 */
export interface Cluster {
  /** The event log has grown. */
  hint(): void
  /** Sends a message to the other servers. */
  send(message: ClusterMessage): void
  /** Presence on the other servers; undefined if it is not shared. */
  readonly presence: SharedPresence | undefined
  /** The callers' usage of their rate limits; undefined if it is not shared. */
  readonly buckets: SharedBuckets | undefined
  close(): Promise<void>
}

interface Hooks {
  /** Another server has written to the log, or a lost connection was restored. */
  onHint: () => void
  /** A hint was sent. Writes in quick succession share one. */
  onHintSent: () => void
  onMessage: (message: ClusterMessage) => void
  streamingUsers: () => Iterable<string>
}

export type Connect = (hooks: Hooks) => Cluster

/** For commands, which have no streams. Servers see their writes at the next poll. */
export const standalone: Connect = () => ({
  hint() {},
  send() {},
  presence: undefined,
  buckets: undefined,
  async close() {},
})

/** Uses Redis or Valkey if configured; otherwise PostgreSQL, for hints only. */
export async function connectCluster(
  config: Pick<Config, 'redisUrl' | 'databaseUrl' | 'databaseDirectUrl'>,
  log: Logger,
  now: () => Date,
): Promise<Connect> {
  const { redisUrl } = config
  if (redisUrl !== undefined) {
    // Loaded on demand: the client takes several megabytes of memory.
    const { RedisLink } = await import('./redis-link.ts')
    return (hooks) => {
      const link = new RedisLink({ url: redisUrl, log, now, ...hooks })
      return {
        hint: () => link.hint(),
        send: (message) => link.send(message),
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
      send() {},
      presence: undefined,
      buckets: undefined,
      close: () => hints.close(),
    }
  }
}
