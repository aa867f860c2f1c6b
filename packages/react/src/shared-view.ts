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
  /** Whether the view was closed, for example by a permanent failure. */
  isClosed: (view: View) => boolean
  /** Keeps an unused view open, for example while it is sending. */
  isBusy?: (state: State) => boolean
}

/**
 * A view shared by components: opened by the first subscriber, closed a while after the last one unsubscribes, unless
 * it is busy. Rendering alone does not open it. A view that has failed is replaced as soon as another component
 * subscribes or an action needs it.
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

  /** The view itself, for actions. Opens it if it is not open, and replaces it if it has failed. */
  get view(): View {
    const view = this.#acquire()
    this.#scheduleClose()
    return view
  }

  /** Like `view`, but does not replace it, for actions that are repeated all the time. */
  get current(): View {
    return this.#view ?? this.view
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
    const { open, isClosed } = this.#options
    const failed = this.#view
    if (failed && !isClosed(failed)) return failed
    this.#stop?.()
    const view = open()
    this.#view = view
    this.#stop = view.subscribe(() => this.#notify())
    // Components that show the failure show the new view.
    if (failed) queueMicrotask(() => this.#notify())
    return view
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener()
  }

  #scheduleClose(): void {
    if (this.#listeners.size > 0) return
    clearTimeout(this.#closeTimer)
    this.#closeTimer = setTimeout(() => {
      const { isClosed, isBusy } = this.#options
      const view = this.#view
      if (view && !isClosed(view) && isBusy?.(view.state)) this.#scheduleClose()
      else this.close()
    }, CLOSE_DELAY_MS)
  }
}
