import { isErrorCode, SottoError } from '@sotto/contract'
import type { MessageContent, UnsentMessage } from '../unsent-message.ts'

/** Keeps unsent messages across reloads, such as localStorage, a file or a database. */
export interface DraftStorage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>
  set(key: string, value: string): void | Promise<void>
}

/** The stored form of a message. */
interface Stored {
  clientMessageId: string
  content: MessageContent
  createdAt: string
  error: { code: string; message: string } | undefined
}

interface Options {
  key: string
  storage: DraftStorage | undefined
  /** Called if the storage fails. Drafts are then kept only in memory. */
  onError: (error: unknown) => void
}

/** The unsent messages of one conversation, oldest first. */
export class Drafts {
  /** Resolves when stored messages have been loaded. Never rejects. */
  readonly restored: Promise<void>
  readonly #options: Options
  #drafts: readonly UnsentMessage[] = []
  #written: Promise<void> = Promise.resolve()
  #isWritePlanned = false

  constructor(options: Options) {
    this.#options = options
    this.restored = options.storage ? this.#restore(options.storage) : Promise.resolve()
  }

  /** The same object until it changes. */
  get list(): readonly UnsentMessage[] {
    return this.#drafts
  }

  /** Resolves when all messages are stored. Never rejects. */
  get written(): Promise<void> {
    return this.#written
  }

  find(clientMessageId: string | null): UnsentMessage | undefined {
    return this.#drafts.find((draft) => draft.clientMessageId === clientMessageId)
  }

  add(draft: UnsentMessage): void {
    this.#set([...this.#drafts, draft])
  }

  fail(clientMessageId: string, error: SottoError): void {
    this.#change(clientMessageId, { status: 'failed', error })
  }

  retry(clientMessageId: string): void {
    this.#change(clientMessageId, { status: 'pending', error: undefined })
  }

  remove(clientMessageId: string): void {
    if (this.find(clientMessageId)) {
      this.#set(this.#drafts.filter((draft) => draft.clientMessageId !== clientMessageId))
    }
  }

  #change(clientMessageId: string, change: Pick<UnsentMessage, 'status' | 'error'>): void {
    this.#set(
      this.#drafts.map((draft) =>
        draft.clientMessageId === clientMessageId ? { ...draft, ...change } : draft,
      ),
    )
  }

  #set(drafts: readonly UnsentMessage[]): void {
    this.#drafts = drafts
    const { storage } = this.#options
    if (!storage || this.#isWritePlanned) return
    // Writes one at a time, each with the state at that time.
    this.#isWritePlanned = true
    this.#written = Promise.all([this.restored, this.#written]).then(() => {
      this.#isWritePlanned = false
      return this.#write(storage)
    })
  }

  async #write(storage: DraftStorage): Promise<void> {
    const stored = this.#drafts.map(
      ({ clientMessageId, createdAt, error, status: _, isMine: __, ...content }): Stored => ({
        ...{ clientMessageId, content, createdAt: createdAt.toISOString() },
        error: error && { code: error.code, message: error.message },
      }),
    )
    try {
      await storage.set(this.#options.key, JSON.stringify(stored))
    } catch (error) {
      this.#options.onError(error)
    }
  }

  async #restore(storage: DraftStorage): Promise<void> {
    try {
      const text = await storage.get(this.#options.key)
      const drafts = parseStored(text ?? '[]').map(fromStored)
      this.#drafts = [...drafts, ...this.#drafts]
    } catch (error) {
      this.#options.onError(error)
    }
  }
}

function fromStored({ clientMessageId, content, createdAt, error }: Stored): UnsentMessage {
  const code = error && isErrorCode(error.code) ? error.code : 'INTERNAL'
  return {
    ...content,
    ...{ clientMessageId, createdAt: new Date(createdAt), isMine: true },
    status: error ? 'failed' : 'pending',
    error: error && new SottoError(code, { detail: error.message }),
  }
}

/** @throws a SyntaxError or TypeError if the text was not stored by this class. */
function parseStored(text: string): Stored[] {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || !value.every(isStored))
    throw new TypeError('the storage has no unsent messages')
  return value
}

function isStored(value: unknown): value is Stored {
  return (
    typeof value === 'object' &&
    value !== null &&
    'clientMessageId' in value &&
    'content' in value &&
    'createdAt' in value
  )
}
