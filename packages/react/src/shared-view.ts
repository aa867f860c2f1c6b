/** A live view of the SDK: a conversation, the inbox or a presence. Stays up to date until closed. */
interface LiveView<State> {
  readonly state: State
  subscribe(listener: () => void): () => void
  close(): void
}

/**
 * How long an unused view stays open, in milliseconds. Going back to it needs no reload, and React's strict mode, which
 * mounts everything twice, opens it once.
 */
const CLOSE_DELAY_MS = 3_000

interface Options<View, State> {
  open: () => View
  /** The state while the view is not open. */
  initial: State
  /** Keeps an unused view open, for example while it is sending. */
  isBusy?: (state: State) => boolean
}

/**
 * A view shared by components: opened by the first subscriber, closed a while after the last one unsubscribes, unless
 * it is busy. Rendering alone does not open it.
 */
export class SharedView<View extends LiveView<State>, State> {
  readonly #options: Options<View, State>
  readonly #listeners = new Set<() => void>()
  #view: View | undefined
  #stop: (() => void) | undefined
  #closeTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: Options<View, State>) {
    this.#options = options
  }

  readonly getSnapshot = (): State => (this.#view ? this.#view.state : this.#options.initial)

  readonly getServerSnapshot = (): State => this.#options.initial

  readonly subscribe = (listener: () => void): (() => void) => {
    // A new function per subscription: the same listener may subscribe twice.
    const entry = () => listener()
    this.#listeners.add(entry)
    this.#acquire()
    return () => {
      this.#listeners.delete(entry)
      this.#scheduleClose()
    }
  }

  /** The view itself, for actions. Opens it if it is not open. */
  get view(): View {
    const view = this.#acquire()
    this.#scheduleClose()
    return view
  }

  /** Closes the view immediately. */
  close(): void {
    clearTimeout(this.#closeTimer)
    this.#stop?.()
    this.#view?.close()
    this.#view = undefined
  }

  #acquire(): View {
    clearTimeout(this.#closeTimer)
    if (!this.#view) {
      this.#view = this.#options.open()
      this.#stop = this.#view.subscribe(() => {
        for (const listener of [...this.#listeners]) listener()
      })
    }
    return this.#view
  }

  #scheduleClose(): void {
    if (this.#listeners.size > 0) return
    clearTimeout(this.#closeTimer)
    this.#closeTimer = setTimeout(() => {
      if (this.#view && this.#options.isBusy?.(this.#view.state)) this.#scheduleClose()
      else this.close()
    }, CLOSE_DELAY_MS)
  }
}
