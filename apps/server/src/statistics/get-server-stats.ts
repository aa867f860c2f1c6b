import type { Contract } from '@sotto/contract'
import type { z } from 'zod'
import type { AdminContext } from '../app/context.ts'

/** The current state of the server that handles the request. */
export async function getServerStats({
  app,
}: AdminContext): Promise<z.output<Contract['stats']['server']['output']>> {
  const { serverStats, events, sends, deliveryMarks, identity, webhooks } = app
  return {
    version: serverStats.version,
    startedAt: serverStats.startedAt,
    calls: serverStats.calls,
    failures: serverStats.failures,
    openStreams: events.streamCount,
    logDelaySeconds: serverStats.logDelaySeconds ?? null,
    logHeldBack: events.tailState?.isHeldBack ?? false,
    sendsWaiting: sends.waiting,
    deliveryMarksWaiting: deliveryMarks.waiting,
    passwordsWaiting: identity.passwords.waiting,
    webhookDeliveriesWaiting: webhooks.waiting ?? null,
  }
}
