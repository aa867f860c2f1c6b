import type { SottoError } from '@sotto/contract'
import type { UnsentMessage } from '../unsent-message.ts'

/**
 * Keeps unsent messages across reloads, such as localStorage, a file or a database. Several views and tabs can share
 * one: each change reads the value, adds its part and writes it, one change at a time.
 */
export interface DraftStorage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>
  set(key: string, value: string): void | Promise<void>
}

export interface DraftsOptions {
  key: string
  /** The user whose messages these are. Undefined if not known yet. */
  user: string | undefined
  /** Aborted when the view is closed. */
  signal: AbortSignal
  /** Called when another view has changed the list, or there are more messages for this view to send. */
  onChange: () => void
  /**
   * Called if the storage fails, and with undefined once it works again. In the meantime changes are kept in memory and
   * are stored with the next one.
   */
  onError: (error: SottoError | undefined) => void
}

/** The unsent messages of one conversation, oldest first. */
export interface Drafts {
  /** Resolves when stored messages have been loaded or could not be loaded. Never rejects. */
  readonly loaded: Promise<void>
  /** Like `loaded`, but also resolves if the storage does not respond. */
  readonly restored: Promise<void>
  /** Resolves when all messages are stored, or the storage does not respond. Never rejects. */
  readonly written: Promise<void>
  /** The same object until it changes. */
  readonly list: readonly UnsentMessage[]
  find(clientMessageId: string | null): UnsentMessage | undefined
  /** The first message that this view has to send, except those that `isSent` returns true for. */
  next(isSent: (clientMessageId: string) => boolean): UnsentMessage | undefined
  /** Sets the user once they are known, and hides the messages of others. */
  identify(user: string): void
  add(draft: UnsentMessage): void
  fail(clientMessageId: string, error: SottoError): void
  retry(clientMessageId: string): void
  /** Removes a message that the user does not want to send any more. */
  discard(clientMessageId: string): void
  /** Removes a message that the server has. */
  remove(clientMessageId: string): void
}

/** Drafts without a storage. */
export class MemoryDrafts implements Drafts {
  readonly loaded = Promise.resolve()
  readonly restored = this.loaded
  readonly written = this.loaded
  #list: readonly UnsentMessage[] = []

  get list(): readonly UnsentMessage[] {
    return this.#list
  }

  find(clientMessageId: string | null): UnsentMessage | undefined {
    return this.#list.find((draft) => draft.clientMessageId === clientMessageId)
  }

  next(isSent: (clientMessageId: string) => boolean): UnsentMessage | undefined {
    return this.#list.find(({ status, clientMessageId }) => status === 'pending' && !isSent(clientMessageId))
  }

  identify(): void {}

  add(draft: UnsentMessage): void {
    this.#list = [...this.#list, draft]
  }

  fail(clientMessageId: string, error: SottoError): void {
    this.#change(clientMessageId, { status: 'failed', error })
  }

  retry(clientMessageId: string): void {
    this.#change(clientMessageId, { status: 'pending', error: undefined })
  }

  discard(clientMessageId: string): void {
    this.remove(clientMessageId)
  }

  remove(clientMessageId: string): void {
    if (this.find(clientMessageId))
      this.#list = this.#list.filter((draft) => draft.clientMessageId !== clientMessageId)
  }

  #change(clientMessageId: string, change: Pick<UnsentMessage, 'status' | 'error'>): void {
    this.#list = this.#list.map((draft) =>
      draft.clientMessageId === clientMessageId ? { ...draft, ...change } : draft,
    )
  }
}
