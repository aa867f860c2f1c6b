import { isErrorCode, SottoError } from '@sotto/contract'
import type { MessageContent, UnsentMessage } from '../unsent-message.ts'

/** How long to wait for a storage before continuing without it, in milliseconds. */
const STORAGE_MS = 2_000

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
  /**
   * Called if the storage fails, and with undefined once it works again. In the meantime drafts are kept only in memory.
   */
  onError: (error: SottoError | undefined) => void
}

/** The unsent messages of one conversation, oldest first. */
export class Drafts {
  /** Resolves when stored messages have been loaded or could not be loaded. Never rejects. */
  readonly loaded: Promise<void>
  /** Like `loaded`, but also resolves if the storage does not respond. */
  readonly restored: Promise<void>
  readonly #options: Options
  #drafts: readonly UnsentMessage[] = []
  #written: Promise<void> = Promise.resolve()
  #isWritePlanned = false

  constructor(options: Options) {
    this.#options = options
    this.loaded = options.storage ? this.#restore(options.storage) : Promise.resolve()
    this.restored = this.#soon(this.loaded)
  }

  /** The same object until it changes. */
  get list(): readonly UnsentMessage[] {
    return this.#drafts
  }

  /** Resolves when all messages are stored, or the storage does not respond. Never rejects. */
  get written(): Promise<void> {
    return this.#soon(this.#written)
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
    // Writes one at a time, each with the state at that time, which must include what was stored before.
    this.#isWritePlanned = true
    this.#written = Promise.all([this.loaded, this.#written]).then(() => {
      this.#isWritePlanned = false
      return this.#write(storage)
    })
  }

  async #write(storage: DraftStorage): Promise<void> {
    try {
      const stored = this.#drafts.map(
        ({ clientMessageId, createdAt, error, status: _, isMine: __, key: ___, ...content }): Stored => ({
          ...{ clientMessageId, content, createdAt: createdAt.toISOString() },
          error: error && { code: error.code, message: error.message },
        }),
      )
      await storage.set(this.#options.key, JSON.stringify(stored))
      this.#options.onError(undefined)
    } catch (cause) {
      this.#options.onError(storageError('the storage failed to store unsent messages', cause))
    }
  }

  async #restore(storage: DraftStorage): Promise<void> {
    const { key, onError } = this.#options
    try {
      const stored: unknown = JSON.parse((await storage.get(key)) ?? '[]')
      const drafts = Array.isArray(stored) ? stored.filter(isStored) : []
      this.#drafts = [...drafts.map(fromStored), ...this.#drafts]
      const isValid = Array.isArray(stored) && drafts.length === stored.length
      onError(
        isValid
          ? undefined
          : storageError('the storage contains invalid unsent messages, which were skipped'),
      )
    } catch (cause) {
      onError(storageError('the storage failed to load unsent messages', cause))
    }
  }

  /** Resolves with the promise, or if the storage does not respond. */
  async #soon(promise: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const elapsed = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#options.onError(storageError(`the storage did not respond within ${STORAGE_MS} ms`))
        resolve()
      }, STORAGE_MS)
    })
    await Promise.race([promise, elapsed])
    clearTimeout(timer)
  }
}

function storageError(detail: string, cause?: unknown): SottoError {
  return new SottoError('UNAVAILABLE', { detail, cause })
}

function fromStored({ clientMessageId, content, createdAt, error }: Stored): UnsentMessage {
  const code = error && isErrorCode(error.code) ? error.code : 'INTERNAL'
  return {
    ...content,
    ...{ clientMessageId, key: clientMessageId, createdAt: new Date(createdAt), isMine: true },
    status: error ? 'failed' : 'pending',
    error: error && new SottoError(code, { detail: error.message }),
  }
}

/** Whether this class has stored the value. A storage can be damaged or used by something else. */
function isStored(value: unknown): value is Stored {
  if (!isRecord(value)) return false
  const { clientMessageId, content, createdAt, error } = value
  return (
    typeof clientMessageId === 'string' &&
    isRecord(content) &&
    typeof createdAt === 'string' &&
    !Number.isNaN(Date.parse(createdAt)) &&
    (error === undefined || isRecord(error))
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
