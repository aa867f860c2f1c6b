import { openHints } from '@sotto/db'
import type { Logger } from 'pino'
import type { SharedBuckets } from '../limits/shared-buckets.ts'
import type { Config } from '../settings/config.ts'
import type { SharedPresence } from './presence.ts'
import type { Signal } from './signals.ts'

/**
 * The other servers on the same database. Nothing depends on reaching them: without it events are late by the
 * poll's time, and signals stay where they are.
 */
export interface Cluster {
  /** Tells them that the event log has grown. */
  hint(): void
  /** Hands on what is kept nowhere. */
  signal(signal: Signal): void
  /** Whom they have online; undefined where that is not shared. */
  readonly presence: SharedPresence | undefined
  /** What callers have used up of their limits; undefined where that is not shared. */
  readonly buckets: SharedBuckets | undefined
  close(): Promise<void>
}

interface Hooks {
  /** One of the others says that the log has grown, or they can be heard again. */
  onHint: () => void
  /** They have been told; many changes within a moment are one hint. */
  onHintSent: () => void
  onSignal: (signal: Signal) => void
  streamingUsers: () => Iterable<string>
}

export type Connect = (hooks: Hooks) => Cluster

/** For a command, which has nobody who streams. Servers see what it writes at their next poll. */
export const standalone: Connect = () => ({
  hint() {},
  signal() {},
  presence: undefined,
  buckets: undefined,
  async close() {},
})

/** Through Redis or Valkey when there is one; hints alone through PostgreSQL otherwise. */
export async function connectCluster(
  config: Pick<Config, 'redisUrl' | 'databaseUrl' | 'databaseDirectUrl'>,
  log: Logger,
): Promise<Connect> {
  const { redisUrl } = config
  if (redisUrl !== undefined) {
    // Its client weighs some megabytes, which a server without one does without.
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
      onError: (error) => log.warn({ err: error }, 'hints from other servers are late'),
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
