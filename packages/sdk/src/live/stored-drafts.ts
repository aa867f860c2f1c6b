import { isErrorCode, SottoError } from '@sotto/contract'
import { randomId } from '../random-id.ts'
import { withResolvers } from '../runtime-gaps.ts'
import type { MessageContent, UnsentMessage } from '../unsent-message.ts'
import type { DraftStorage, Drafts, DraftsOptions } from './drafts.ts'
import { exclusively, hold } from './view-locks.ts'

/** The stored form of a message. */
interface Stored {
  clientMessageId: string
  content: MessageContent
  createdAt: string
  error?: { code: string; message: string } | undefined
  /** The view that sends it while it is open. Not stored by earlier versions. */
  view?: string | undefined
  /** Who wrote it, if known. */
  user?: string | undefined
  /** Set by other views than the one that sends it, which then removes it. */
  isDiscarded?: boolean | undefined
}

/** A stored message and what is shown of it. */
interface Entry {
  readonly stored: Stored
  readonly draft: UnsentMessage
}

/** What has to be written: an entry, or undefined to remove it. */
type Changes = ReadonlyMap<string, Entry | undefined>

/** How long to wait for a storage before continuing without it, in milliseconds. */
const STORAGE_MS = 2_000

/** The drafts of this page, by key. */
const openDrafts = new Map<string, Set<StoredDrafts>>()

/**
 * The unsent messages of one conversation in a storage: those of this view, and those that other views and tabs with the
 * same storage have not sent.
 *
 * Each view sends its own. A closed view, or one whose tab has ended, leaves its messages to another view. Without Web
 * Locks, every view sends all of them, which the server recognizes by their clientMessageId.
 */
export class StoredDrafts implements Drafts {
  readonly loaded: Promise<void>
  readonly restored: Promise<void>
  readonly #options: DraftsOptions
  readonly #storage: DraftStorage
  readonly #view = randomId()
  /** The views whose messages this one sends, or waits to send until they have ended. */
  readonly #views = new Map<string, 'waiting' | 'held'>()
  #user: string | undefined
  #entries: ReadonlyMap<string, Entry> = new Map()
  #changes: Changes = new Map()
  /** Messages that this view has removed, which a storage that ignores changes would bring back. */
  readonly #removed = new Set<string>()
  #isLoaded = false
  readonly #finishLoading: () => void
  #list: readonly UnsentMessage[] | undefined
  #written: Promise<void> = Promise.resolve()
  #isSyncPlanned = false

  constructor(options: DraftsOptions, storage: DraftStorage) {
    this.#options = options
    this.#storage = storage
    this.#user = options.user
    const { promise, resolve } = withResolvers<void>()
    this.loaded = promise
    this.#finishLoading = () => {
      this.#isLoaded = true
      resolve()
    }
    this.#join()
    this.restored = this.#soon(this.loaded)
  }

  get list(): readonly UnsentMessage[] {
    this.#list ??= [...this.#entries.values()].filter(this.#isShown).map(({ draft }) => draft)
    return this.#list
  }

  get written(): Promise<void> {
    return this.#soon(this.#written)
  }

  find(clientMessageId: string | null): UnsentMessage | undefined {
    return this.list.find((draft) => draft.clientMessageId === clientMessageId)
  }

  next(isSent: (clientMessageId: string) => boolean): UnsentMessage | undefined {
    for (const entry of this.#entries.values()) {
      const { stored, draft } = entry
      const isOwn = stored.user === undefined || stored.user === this.#user
      if (draft.status !== 'pending' || !isOwn || !this.#isShown(entry) || !this.#sends(entry)) continue
      if (!isSent(draft.clientMessageId)) return draft
    }
    return undefined
  }

  identify(user: string): void {
    if (this.#user === user) return
    this.#user = user
    this.#list = undefined
    for (const [id, { stored }] of this.#entries) {
      if (stored.view === this.#view && stored.user === undefined) this.#put(id, { ...stored, user })
    }
  }

  add(draft: UnsentMessage): void {
    const { clientMessageId, createdAt, status: _, isMine: __, error: ___, key: ____, ...content } = draft
    const written = { clientMessageId, content, createdAt: createdAt.toISOString() }
    this.#change(clientMessageId, { draft, stored: { ...written, view: this.#view, user: this.#user } })
  }

  fail(clientMessageId: string, { code, message }: SottoError): void {
    const entry = this.#entries.get(clientMessageId)
    if (entry) this.#put(clientMessageId, { ...entry.stored, error: { code, message } })
  }

  retry(clientMessageId: string): void {
    const entry = this.#entries.get(clientMessageId)
    if (entry) this.#put(clientMessageId, { ...entry.stored, error: undefined, view: this.#view })
  }

  discard(clientMessageId: string): void {
    const entry = this.#entries.get(clientMessageId)
    if (!entry) return
    if (this.#sends(entry)) this.remove(clientMessageId)
    else this.#put(clientMessageId, { ...entry.stored, isDiscarded: true })
  }

  remove(clientMessageId: string): void {
    if (this.#entries.has(clientMessageId)) this.#change(clientMessageId, undefined)
  }

  readonly #isShown = ({ stored }: Entry): boolean =>
    !stored.isDiscarded &&
    (stored.user === undefined || this.#user === undefined || stored.user === this.#user)

  #sends({ stored: { view = this.#options.key } }: Entry): boolean {
    return view === this.#view || this.#views.get(view) === 'held'
  }

  #put(clientMessageId: string, stored: Stored): void {
    this.#change(clientMessageId, toEntry(stored))
  }

  #change(clientMessageId: string, entry: Entry | undefined): void {
    const change = new Map([[clientMessageId, entry]])
    if (!entry) this.#removed.add(clientMessageId)
    this.#entries = applied(this.#entries, change)
    this.#list = undefined
    this.#changes = new Map([...this.#changes, ...change])
    this.#synchronize()
  }

  /** Loads what is stored, and follows what other views store. */
  #join(): void {
    const { key, signal } = this.#options
    const inPage = openDrafts.get(key) ?? new Set()
    openDrafts.set(key, inPage.add(this))
    // Only browsers have it. Browsers report changes of localStorage to the other tabs.
    const page = globalThis as unknown as Partial<StorageEvents>
    const onStorage = (event: { key: string | null }) => {
      // The storage may add a prefix or a suffix.
      if (event.key === null || event.key.includes(key)) this.#synchronize()
    }
    page.addEventListener?.('storage', onStorage)
    signal.addEventListener(
      'abort',
      () => {
        page.removeEventListener?.('storage', onStorage)
        inPage.delete(this)
        if (inPage.size === 0) openDrafts.delete(key)
      },
      { once: true },
    )
    this.#hold(this.#view)
    this.#synchronize()
  }

  /** Sends the messages of this view once it has ended. */
  #hold(view: string): void {
    if (this.#views.has(view)) return
    this.#views.set(view, 'waiting')
    hold(`sotto/view/${view}`, this.#options.signal, () => {
      this.#views.set(view, 'held')
      if (view !== this.#view) this.#options.onChange()
    })
  }

  /** Reads the stored messages and writes the changes to them, one at a time, each with the changes until then. */
  #synchronize(): void {
    if (this.#isSyncPlanned) return
    this.#isSyncPlanned = true
    this.#written = this.#written
      .then(() => exclusively(`sotto/storage/${this.#options.key}`, () => this.#readAndWrite()))
      .catch(() => {})
  }

  async #readAndWrite(): Promise<void> {
    const { key, onError } = this.#options
    let action = 'load'
    let changes: Changes = new Map()
    try {
      const { stored, isValid } = parseStored(await this.#storage.get(key))
      this.#isSyncPlanned = false
      changes = this.#changes
      this.#changes = new Map()
      for (const [id, entry] of changes) {
        if (entry) stored.set(id, entry.stored)
        else stored.delete(id)
      }
      this.#accept(stored)
      // What is damaged is reported once, and overwritten with the next change.
      const isDamaged = !isValid && !this.#isLoaded
      this.#finishLoading()
      if (changes.size > 0) {
        action = 'store'
        await this.#storage.set(key, JSON.stringify([...stored.values()]))
        for (const drafts of openDrafts.get(key) ?? []) if (drafts !== this) drafts.#synchronize()
      }
      onError(
        isDamaged
          ? storageError('the storage contains invalid unsent messages, which were skipped')
          : undefined,
      )
    } catch (cause) {
      this.#isSyncPlanned = false
      this.#changes = new Map([...changes, ...this.#changes])
      this.#finishLoading()
      onError(storageError(`the storage failed to ${action} unsent messages`, cause))
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

  /** Takes over what is stored. */
  #accept(stored: ReadonlyMap<string, Stored>): void {
    const before = this.#entries
    const entries = new Map<string, Entry>()
    for (const [id, value] of stored) {
      if (this.#removed.has(id)) continue
      const known = before.get(id)
      const entry = known && isSame(known.stored, value) ? known : toEntry(value)
      this.#hold(value.view ?? this.#options.key)
      if (value.isDiscarded && this.#sends(entry)) {
        this.#changes = new Map([...this.#changes, [id, undefined]])
        this.#synchronize()
      }
      entries.set(id, entry)
    }
    for (const [id, entry] of before) {
      // Another tab can overwrite a message if the storage is slow to pass it on. Only its own view knows whether it was
      // sent.
      if (stored.has(id) || entry.stored.view !== this.#view || entry.draft.status !== 'pending') continue
      entries.set(id, entry)
      this.#changes = new Map([[id, entry], ...this.#changes])
    }
    this.#entries = applied(entries, this.#changes)
    const list = [...this.#entries.values()].filter(this.#isShown).map(({ draft }) => draft)
    if (list.length === this.list.length && list.every((draft, index) => draft === this.list[index])) return
    this.#list = list
    this.#options.onChange()
  }
}

interface StorageEvents {
  addEventListener(type: 'storage', listener: (event: { key: string | null }) => void): void
  removeEventListener(type: 'storage', listener: (event: { key: string | null }) => void): void
}

function applied(entries: ReadonlyMap<string, Entry>, changes: Changes): ReadonlyMap<string, Entry> {
  const changed = new Map(entries)
  for (const [id, entry] of changes) {
    if (entry) changed.set(id, entry)
    else changed.delete(id)
  }
  return changed
}

function toEntry(stored: Stored): Entry {
  const { clientMessageId, content, createdAt, error } = stored
  const code = error && isErrorCode(error.code) ? error.code : 'INTERNAL'
  return {
    stored,
    draft: {
      ...content,
      ...{ clientMessageId, key: clientMessageId, createdAt: new Date(createdAt), isMine: true },
      status: error ? 'failed' : 'pending',
      error: error && new SottoError(code, { detail: error.message }),
    },
  }
}

function isSame(a: Stored, b: Stored): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Leaves out what is not a message. */
function parseStored(text: string | null | undefined): { stored: Map<string, Stored>; isValid: boolean } {
  const values: unknown = parse(text ?? '[]')
  const valid = Array.isArray(values) ? values.filter(isStored) : []
  const isValid = Array.isArray(values) && valid.length === values.length
  return { stored: new Map(valid.map((value) => [value.clientMessageId, value])), isValid }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether this class has stored the value. A storage can be damaged or used by something else. */
function isStored(value: unknown): value is Stored {
  if (!isRecord(value)) return false
  const { clientMessageId, content, createdAt, error, view, user } = value
  return (
    typeof clientMessageId === 'string' &&
    isRecord(content) &&
    typeof createdAt === 'string' &&
    !Number.isNaN(Date.parse(createdAt)) &&
    (error === undefined || isRecord(error)) &&
    isTextOrMissing(view) &&
    isTextOrMissing(user)
  )
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function storageError(detail: string, cause?: unknown): SottoError {
  return new SottoError('UNAVAILABLE', { detail, cause })
}
