import { type Event, eventSchema } from '@sotto/contract'
import { z } from 'zod'
import { createItem, type StreamItem } from './subscription.ts'

/** An event that is sent to open streams and not stored. */
export interface Signal {
  /** Specific users, or all users who watch a user's presence. */
  to: { userIds: readonly string[] } | { watchersOf: string }
  event: Event
}

/** A signal as sent between servers. */
export function encodeSignal(signal: Signal): string {
  return JSON.stringify(signal)
}

const signalSchema = z.object({
  to: z.union([z.object({ userIds: z.array(z.string()) }), z.object({ watchersOf: z.string() })]),
  event: z.record(z.string(), z.unknown()),
})

/** @returns undefined if this version does not understand the message. */
export function decodeSignal(text: string): Signal | undefined {
  try {
    const { to, event } = signalSchema.parse(JSON.parse(text))
    return { to, event: eventSchema.parse({ ...event, ...datesOf(event) }) }
  } catch {
    return undefined
  }
}

function datesOf(event: Record<string, unknown>): Record<string, Date | null> {
  const { at, lastSeenAt } = event
  return {
    at: new Date(String(at)),
    ...(lastSeenAt !== undefined && {
      lastSeenAt: lastSeenAt === null ? null : new Date(String(lastSeenAt)),
    }),
  }
}

export function signalItem(signal: Signal): StreamItem {
  return createItem(signal.event, undefined)
}
