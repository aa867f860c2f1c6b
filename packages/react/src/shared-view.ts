/** What keeps itself up to date until it is closed: the SDK's live conversation, inbox and presence. */
interface LiveView<State> {
  readonly state: State
  subscribe(listener: () => void): () => void
  close(): void
}

/**
 * For how long a view that no component uses stays open, in milliseconds: who goes back to it finds it as it was, and
 * React's strict mode, which mounts everything twice, opens it once.
 */
const LINGER_MS = 3_000

interface Options<View, State> {
  open: () => View
  /** What is shown while nothing is open. */
  initial: State
  /** Whether it still has something to do when nobody looks at it. */
  isBusy?: (state: State) => boolean
}

/**
 * A view that components share: opened for the first that subscribes, closed soon after the last one is gone and
 * nothing is left to do. Rendering alone opens nothing.
 */
export class SharedView<View extends LiveView<State>, State> {
  readonly #options: Options<View, State>
  readonly #listeners = new Set<() => void>()
  #view: View | undefined
  #stop: (() => void) | undefined
  #lingering: ReturnType<typeof setTimeout> | undefined

  constructor(options: Options<View, State>) {
    this.#options = options
  }

  readonly getSnapshot = (): State => (this.#view ? this.#view.state : this.#options.initial)

  readonly getServerSnapshot = (): State => this.#options.initial

  readonly subscribe = (listener: () => void): (() => void) => {
    // Not the listener itself: whoever subscribes with the same one twice counts twice.
    const own = () => listener()
    this.#listeners.add(own)
    this.#hold()
    return () => {
      this.#listeners.delete(own)
      this.#letGo()
    }
  }

  /** The view for what a user does with it; opens it where no component shows it. */
  get view(): View {
    const view = this.#hold()
    this.#letGo()
    return view
  }

  /** Ends it at once. */
  close(): void {
    clearTimeout(this.#lingering)
    this.#stop?.()
    this.#view?.close()
    this.#view = undefined
  }

  #hold(): View {
    clearTimeout(this.#lingering)
    if (!this.#view) {
      this.#view = this.#options.open()
      this.#stop = this.#view.subscribe(() => {
        for (const listener of [...this.#listeners]) listener()
      })
    }
    return this.#view
  }

  #letGo(): void {
    if (this.#listeners.size > 0) return
    clearTimeout(this.#lingering)
    this.#lingering = setTimeout(() => {
      if (this.#view && this.#options.isBusy?.(this.#view.state)) this.#letGo()
      else this.close()
    }, LINGER_MS)
  }
}
