import type { SottoError } from '@sotto/contract'
import { type LazyPart, loadPart } from './lazy-part.ts'
import { abortWith } from './runtime-gaps.ts'

interface View<State> {
  readonly state: State
  subscribe(listener: () => void): () => void
}

interface Subscription {
  listener: () => void
  /** Unsubscribes from the view. */
  stop?: () => void
}

/** A view that can be used before its code is loaded. */
export interface Deferred<Loaded, State> {
  /** Undefined until it is loaded. */
  readonly view: Loaded | undefined
  /** The state of the view, or one that is shown until it is loaded. */
  readonly state: State
  subscribe: (listener: () => void) => () => void
  /** Replaces the state, if the view is not loaded yet. */
  change: (state: State) => void
  /** Calls a method of the view as soon as it is loaded. Calls are made in order. */
  call: <Result>(method: (view: Loaded) => Promise<Result>) => Promise<Result>
  /** Like `call`, for methods without a result. */
  run: (method: (view: Loaded) => void) => void
  /** Stops loading after the current attempt. If that fails, calls are rejected with the reason. */
  stop: (reason: unknown) => void
}

export interface DeferredOptions<Part, Loaded, State> {
  /** The code of the view. If it is loaded already, the view is opened immediately. */
  part: LazyPart<Part>
  open: (part: Part) => Loaded
  initial: State
  /** The state after a failed attempt to load the code. */
  afterFailure: (state: State, error: SottoError) => State
}

export function defer<Part, Loaded extends View<State>, State>({
  part,
  open,
  initial,
  afterFailure,
}: DeferredOptions<Part, Loaded, State>): Deferred<Loaded, State> {
  const stopping = new AbortController()
  const subscriptions = new Set<Subscription>()
  let view = part.loaded && open(part.loaded)
  let state = initial

  function notify(): void {
    for (const subscription of subscriptions) {
      queueMicrotask(() => {
        if (subscriptions.has(subscription)) subscription.listener()
      })
    }
  }
  function change(changed: State): void {
    if (view) return
    state = changed
    notify()
  }

  async function load(): Promise<Loaded> {
    const loaded = await loadPart(part, stopping.signal, (error) => change(afterFailure(state, error)))
    const opened = open(loaded)
    view = opened
    notify()
    for (const subscription of subscriptions) subscription.stop = opened.subscribe(subscription.listener)
    return opened
  }

  const loading = view ? Promise.resolve(view) : load()
  // Loading fails only after `stop`, and then fails the calls.
  loading.catch(() => {})

  return {
    get view() {
      return view
    },
    get state() {
      return view ? view.state : state
    },
    subscribe(listener) {
      if (view) return view.subscribe(listener)
      // A new function per subscription: the same listener may subscribe twice.
      const subscription: Subscription = { listener: () => listener() }
      subscriptions.add(subscription)
      return () => {
        subscriptions.delete(subscription)
        subscription.stop?.()
      }
    },
    change,
    call: (method) => (view ? method(view) : loading.then(method)),
    run(method) {
      if (view) method(view)
      else loading.then(method, () => {})
    },
    stop: (reason) => abortWith(stopping, reason),
  }
}
