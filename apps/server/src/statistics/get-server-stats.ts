import type { Contract } from '@sotto/contract'
import type { z } from 'zod'
import type { AdminContext } from '../app/context.ts'

/** What the server that is asked does at the moment. */
export async function getServerStats({
  app,
}: AdminContext): Promise<z.output<Contract['stats']['server']['output']>> {
  const { numbers, events, sends, deliveryMarks, identity, webhooks } = app
  return {
    version: numbers.version,
    startedAt: numbers.startedAt,
    calls: numbers.calls,
    failures: numbers.failures,
    openStreams: events.streamCount,
    logDelaySeconds: numbers.logDelaySeconds ?? null,
    logHeldBack: events.tailState?.isHeldBack ?? false,
    sendsWaiting: sends.waiting,
    deliveryMarksWaiting: deliveryMarks.waiting,
    passwordsWaiting: identity.passwords.waiting,
    webhookDeliveriesWaiting: webhooks.waiting ?? null,
  }
}
