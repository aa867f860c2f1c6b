import { type Database, type EventTransaction, type Replica, readLocalSecret } from '@sotto/db'
import type { Logger } from 'pino'
import { CONFIGURED_KEY_ID } from '../auth/caller.ts'
import { Identity } from '../identity/identity.ts'
import { SecretBox } from '../identity/secret-box.ts'
import { JobRunner } from '../jobs/job-runner.ts'
import type { NewId } from '../lib/ids.ts'
import { Limits } from '../limits/limits.ts'
import { DeliveryMarks, receivedBy } from '../messaging/delivery-marks.ts'
import { SendQueue } from '../messaging/send-queue.ts'
import { loadConversations } from '../messaging/show-conversations.ts'
import { businessEventsTo } from '../metrics/business-events.ts'
import { combineMetrics, type Metrics } from '../metrics/metrics.ts'
import { eraseUserJob } from '../privacy/erase-job.ts'
import { ERASE_JOB } from '../privacy/erase-user.ts'
import { messageRetentionJob, RETENTION_JOB } from '../privacy/message-retention.ts'
import type { Connect } from '../realtime/cluster.ts'
import { EventHub } from '../realtime/event-hub.ts'
import { startLogRetention } from '../realtime/log-retention.ts'
import { Presence } from '../realtime/presence.ts'
import { PresenceWatches } from '../realtime/presence-watches.ts'
import { findTypingAudience } from '../realtime/set-typing.ts'
import { type Signal, signalItem } from '../realtime/signals.ts'
import { StreamGuard } from '../realtime/stream-guard.ts'
import { Typing } from '../realtime/typing.ts'
import type { Config } from '../settings/config.ts'
import { DailyTally } from '../statistics/daily-tally.ts'
import { ServerStats } from '../statistics/server-stats.ts'
import { Totals } from '../statistics/totals.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { HttpSender, type ResolveHost } from '../webhooks/http-sender.ts'
import { OutboundRules } from '../webhooks/outbound-rules.ts'
import { WebhookWorker } from '../webhooks/webhook-worker.ts'
import type { App } from './app.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

interface Parts {
  config: Pick<
    Config,
    | 'databaseUrl'
    | 'serviceKey'
    | 'secret'
    | 'maxTextLength'
    | 'signUp'
    | 'directMessages'
    | 'maxStreams'
    | 'eventRetentionDays'
    | 'messageRetentionDays'
    | 'limits'
    | 'userTokens'
    | 'webhookAllowedHosts'
    | 'settings'
  >
  database: Database
  replica: Pick<Replica, 'read'> | undefined
  log: Logger
  now: () => Date
  newId: NewId
  connect: Connect
  metrics: Metrics
  tracing: Tracing
  resolveHost?: ResolveHost | undefined
  fastPasswords?: boolean | undefined
}

/**
 * Creates the parts that use cases work with, for a server or a command. `closeApp` stops background work and writes
 * pending changes.
 */
export function createApp({
  config,
  database: { db },
  replica,
  log,
  now,
  newId,
  connect,
  metrics: operatorMetrics,
  tracing,
  resolveHost,
  fastPasswords = false,
}: Parts): {
  app: App
  closeApp: () => Promise<void>
} {
  const serverStats = new ServerStats(now())
  const metrics = combineMetrics(operatorMetrics, serverStats)
  const read: App['read'] = (work) => (replica ? replica.read(work) : work(db))
  const cluster = connect({
    onHint() {
      metrics.hintReceived()
      events.hint()
      webhooks.hint()
    },
    onHintSent: () => metrics.hintSent(),
    onMessage(message) {
      if ('event' in message) deliver(message)
      else if ('watch' in message) presenceWatches.addHere(message.watch)
      else typing.hideBetween(...message.typingHiddenBetween)
    },
    streamingUsers: () => events.onlineUsers(),
  })
  function deliver(signal: Signal): void {
    const item = signalItem(signal)
    if ('userIds' in signal.to) events.signal(signal.to.userIds, item)
    else events.signalWatchers(signal.to.watchersOf, item)
  }
  function send(signal: Signal): void {
    deliver(signal)
    cluster.send(signal)
  }
  const write: App['write'] = async (work) => {
    // The only cast to EventTransaction: the type guarantees that hints follow the commit, as they do below.
    const result = await db.transaction().execute((trx) => work(trx as EventTransaction))
    events.hint()
    webhooks.hint()
    cluster.hint()
    return result
  }

  const deliveryMarks = new DeliveryMarks({ db, write, now, log })
  const retentionMs = config.eventRetentionDays * DAY_MS
  const events = new EventHub({
    db,
    now,
    log,
    loadConversations: (wanted) => loadConversations(db, wanted),
    maxStreams: config.maxStreams,
    retentionMs,
    onPresence: (userId, isStreaming) => presence.changed(userId, isStreaming),
    onMessageWritten: (userId, message) => deliveryMarks.note(userId, receivedBy(userId, [message])),
    metrics,
    tracing,
  })
  const presence = new Presence({
    db,
    now,
    newId,
    log,
    send,
    isStreaming: (userId) => events.isOnline(userId),
    shared: cluster.presence,
  })
  const presenceWatches = new PresenceWatches({ now, newId, log, events, presence, cluster })
  const typing = new Typing({
    now,
    newId,
    log,
    send,
    findAudience: (typist) => findTypingAudience(db, typist),
  })
  function hideTyping(a: string, b: string): void {
    typing.hideBetween(a, b)
    cluster.send({ typingHiddenBetween: [a, b] })
  }
  const streamGuard = new StreamGuard({ db, now, log, configuredKeyId: CONFIGURED_KEY_ID })
  const limits = new Limits({
    rates: config.limits,
    now,
    shared: cluster.buckets,
    onRejected: (policy) => metrics.rateLimited(policy),
  })
  const retention = startLogRetention({ db, now, log, retentionMs })

  const messageRetentionMs = config.messageRetentionDays && config.messageRetentionDays * DAY_MS
  const jobs = new JobRunner({
    db,
    write,
    now,
    log,
    handlers: {
      [ERASE_JOB]: (job) => eraseUserJob({ db, now, newId, presence }, job),
      [RETENTION_JOB]: (job) => messageRetentionJob({ db, now }, messageRetentionMs, job),
    },
  })

  const tally = new DailyTally({ db, now, log })
  const secretBox = new SecretBox(() => config.secret ?? readLocalSecret(config.databaseUrl))
  const outboundRules = new OutboundRules(config.webhookAllowedHosts)
  const webhooks = new WebhookWorker({
    db,
    now,
    newId,
    log,
    secretBox,
    sender: new HttpSender({ rules: outboundRules, resolveHost }),
    loadConversations: (wanted) => loadConversations(db, wanted),
    metrics,
  })

  const emitBusinessEvent = businessEventsTo(log, metrics)
  const app: App = {
    db,
    write,
    read,
    hasReplica: replica !== undefined,
    now,
    newId,
    log,
    identity: new Identity({
      fastPasswords,
      db,
      now,
      newId,
      log,
      limits,
      serviceKey: config.serviceKey,
      userTokens: config.userTokens,
      emitBusinessEvent,
    }),
    secretBox,
    limits,
    sends: new SendQueue({ write, now, newId, tracing, directMessages: config.directMessages }),
    deliveryMarks,
    events,
    streamGuard,
    typing,
    hideTyping,
    presence,
    presenceWatches,
    jobs,
    webhooks,
    outboundRules,
    metrics,
    tally,
    totals: new Totals({ read, now }),
    serverStats,
    settings: config.settings,
    emitBusinessEvent,
    tracing,
    maxTextLength: config.maxTextLength,
    signUp: config.signUp,
    tokensGrantLastingAccess: config.userTokens?.grantLastingAccess ?? false,
    directMessages: config.directMessages,
  }
  async function closeApp(): Promise<void> {
    retention.stop()
    await tally.close()
    await jobs.close()
    await webhooks.close()
    typing.close()
    await presence.close()
    streamGuard.close()
    await deliveryMarks.close()
    await app.identity.close()
    await cluster.close()
  }
  return { app, closeApp }
}
