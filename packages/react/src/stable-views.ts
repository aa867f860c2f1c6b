import type { DraftStorage, SottoClient } from '@sotto/sdk'
import { Views } from './views.ts'
import { warnOnce } from './warn-once.ts'

/**
 * Chooses when a provider's new client or storage replaces the views, which then reload everything. A single change
 * does so immediately. Props that change with every render were created while rendering: they replace the views only if
 * they are another user's.
 */
export class StableViews {
  #client: SottoClient
  #storage: DraftStorage | undefined
  #views: Views
  /** Whether the props have changed since the last commit, and whether they had changed with it. */
  #isChanged = false
  #wasChanged = false
  #isUnstable = false
  #isChecking = false
  readonly #listeners = new Set<() => void>()

  constructor(client: SottoClient, storage: DraftStorage | undefined) {
    this.#client = client
    this.#storage = storage
    this.#views = new Views(client, storage)
  }

  readonly getViews = (): Views => this.#views

  /** @returns a function that removes the listener, which is called when the views are replaced after a render. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Call this for each render. React may render several times before it commits. */
  update(client: SottoClient, storage: DraftStorage | undefined): void {
    if (client === this.#client && storage === this.#storage) return
    const changed = client === this.#client ? 'storage' : 'client'
    this.#client = client
    this.#storage = storage
    this.#isChanged = true
    if (this.#wasChanged) this.#isUnstable = true
    if (!this.#isUnstable) {
      this.#views = new Views(client, storage)
      return
    }
    warnOnce(
      `SottoProvider received another ${changed} with every render: create it outside the component or with useMemo`,
    )
    void this.#check()
  }

  /** Call this for each commit. */
  readonly commit = (): void => {
    this.#wasChanged = this.#isChanged
    this.#isChanged = false
  }

  /** Replaces the views if the current client acts for another user than theirs. */
  async #check(): Promise<void> {
    if (this.#isChecking) return
    this.#isChecking = true
    try {
      for (let checked: SottoClient | undefined; checked !== this.#client; ) {
        checked = this.#client
        const [before, now] = await Promise.all([this.#views.me(), checked.users.me().catch(() => undefined)])
        if (before !== undefined && before === now?.id) continue
        this.#views = new Views(this.#client, this.#storage)
        for (const listener of this.#listeners) listener()
      }
    } finally {
      this.#isChecking = false
    }
  }
}
