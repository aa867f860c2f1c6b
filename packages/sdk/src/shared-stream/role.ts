import type { EventSource } from '../events.ts'
import type { History } from './history.ts'
import type { Entry, Message, PresenceEvent, StreamState } from './messages.ts'
import type { StreamKey } from './stream-key.ts'

/** `Message` without its sender. */
export type OwnMessage = Message extends infer M ? (M extends Message ? Omit<M, 'from'> : never) : never

/** A page's end of the shared stream, as its roles see it. */
export interface SharedPage {
  readonly id: string
  readonly key: StreamKey
  readonly source: EventSource
  readonly history: History
  /** The latest presence of each watched user. */
  readonly presence: ReadonlyMap<string, PresenceEvent>
  /** The users whom this page watches. */
  watched(): readonly string[]
  post(message: OwnMessage): void
  /** Takes the next entry. */
  accept(entry: Entry): void
  setState(state: StreamState): void
  /** The page has its position, and each later entry is accepted. */
  ready(): void
  /** Entries were missed, and the stream continues at this position. */
  restart(cursor: string): void
  /** Lets another tab lead. */
  resign(): void
  /** Leads instead of a tab that does not respond. */
  takeOver(): void
  /** Gives up sharing: each reader opens a stream of its own. */
  fail(): void
}

/** What a page does for the shared stream: lead or follow. */
export interface Role {
  receive(message: Message): void
  /** The page watches these users, too. */
  watch(added: readonly string[]): void
  stop(): void
}
