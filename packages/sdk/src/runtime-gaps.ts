/* What some runtimes lack, such as React Native. */

/** The reasons of aborted signals, for runtimes whose signals do not keep them, such as React Native. */
const reasons = new WeakMap<AbortSignal, unknown>()

/** Aborts with a reason that `reasonOf` returns in every runtime. */
export function abortWith(controller: AbortController, reason: unknown): void {
  const { signal } = controller
  if (!signal.aborted && !('reason' in signal)) reasons.set(signal, reason)
  controller.abort(reason)
}

/** The reason of an aborted signal. The same object each time. */
export function reasonOf(signal: AbortSignal): unknown {
  if ('reason' in signal) return signal.reason
  if (!reasons.has(signal)) reasons.set(signal, abortError())
  return reasons.get(signal)
}

/** @throws the signal's reason if it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal)
}

/**
 * Aborts the controller with the signal.
 *
 * @returns a function that unties them. A signal that is used often would otherwise collect listeners.
 */
export function follow(controller: AbortController, signal: AbortSignal | undefined): () => void {
  if (!signal) return () => {}
  const abort = () => abortWith(controller, reasonOf(signal))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  return () => signal.removeEventListener('abort', abort)
}

/** `Promise.withResolvers`, which Node before 22, Safari before 17.4 and React Native do not have. */
export function withResolvers<Value>(): {
  promise: Promise<Value>
  resolve: (value: Value | PromiseLike<Value>) => void
  reject: (reason: unknown) => void
} {
  let resolve: (value: Value | PromiseLike<Value>) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** What other runtimes use, where DOMException exists. */
function abortError(): Error {
  return Object.assign(new Error('aborted'), { name: 'AbortError' })
}

/** `Symbol.asyncIterator`, or the name that Babel gives it in runtimes without it, such as React Native's. */
export const asyncIterator: typeof Symbol.asyncIterator =
  Symbol.asyncIterator ?? ('@@asyncIterator' as unknown as typeof Symbol.asyncIterator)
