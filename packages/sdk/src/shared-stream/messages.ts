import type { ErrorCode, Event } from '@sotto/contract'

export type PresenceEvent = Extract<Event, { type: 'presence.changed' }>

/** Part of the name of channels and locks. Increase it with every change of the messages. */
export const PROTOCOL = 1

/** A step of a stream: an event, or only a newer position without one. */
export interface Entry {
  /** The position after the event. */
  cursor: string | undefined
  event?: Event | undefined
}

export interface StreamState {
  isConnected: boolean
  /** Why the stream is not connected. */
  reason?: { code: ErrorCode; detail: string } | undefined
  cursor: string | undefined
}

/** What the tabs of a browser send each other over a BroadcastChannel. `from` is the sender. */
export type Message = { from: string } & (
  | { type: 'leading' }
  /** Asks the leader for its stream, from this position if it is known. */
  | { type: 'join'; cursor: string | undefined; watched: readonly string[] }
  /** The leader's answer to `join`. All later entries follow, the first of which has this number. */
  | {
      type: 'welcome'
      to: string
      number: number
      state: StreamState
      /** The entries after the follower's position. Undefined if the leader does not know that position. */
      missed: readonly Entry[] | undefined
    }
  | { type: 'entry'; number: number; entry: Entry }
  | { type: 'state'; state: StreamState }
  /** The presence of users who are already watched. */
  | { type: 'presence'; events: readonly PresenceEvent[] }
  /** All users whom the sender watches, and those of them whose presence it needs. */
  | { type: 'watch'; watched: readonly string[]; added: readonly string[] }
  /** Asks the leader to send anything. */
  | { type: 'ping' }
  | { type: 'leave' }
)
