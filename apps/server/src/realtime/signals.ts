import { type Event, eventSchema } from '@sotto/contract'
import { z } from 'zod'
import { createContent, createItem, type StreamItem } from './subscription.ts'

/** An event that is sent to open streams and not stored. */
export interface Signal {
  /** Specific users, or all users who watch a user's presence. */
  to: { userIds: readonly string[] } | { watchersOf: string }
  event: Event
}

/** Adds users to those whose presence a stream of a user receives. */
export interface WatchRequest {
  userId: string
  streamId: string
  watchedIds: readonly string[]
}

/**
 * What servers send each other: a signal, two users of whom neither may see the other typing any more, or a request to
 * the server that has a stream.
 */
export type ClusterMessage =
  | Signal
  | { typingHiddenBetween: readonly [string, string] }
  | { watch: WatchRequest }

export function encodeMessage(message: ClusterMessage): string {
  return JSON.stringify(message)
}

const messageSchema = z.union([
  z.object({
    to: z.union([z.object({ userIds: z.array(z.string()) }), z.object({ watchersOf: z.string() })]),
    event: z.record(z.string(), z.unknown()),
  }),
  z.object({ typingHiddenBetween: z.tuple([z.string(), z.string()]) }),
  z.object({
    watch: z.object({ userId: z.string(), streamId: z.string(), watchedIds: z.array(z.string()) }),
  }),
])

/** @returns undefined if this version does not understand the message. */
export function decodeMessage(text: string): ClusterMessage | undefined {
  try {
    const message = messageSchema.parse(JSON.parse(text))
    if (!('event' in message)) return message
    const { to, event } = message
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
  return createItem(createContent(signal.event), undefined)
}
