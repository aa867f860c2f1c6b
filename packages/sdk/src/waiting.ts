import { reasonOf } from './runtime-gaps.ts'

/** `setTimeout` takes 32 bits. A longer wait would fire immediately. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Starts a timer. Starts none without a time. */
export function startTimer(
  ms: number | undefined,
  run: () => void,
): ReturnType<typeof setTimeout> | undefined {
  return ms === undefined ? undefined : setTimeout(run, Math.min(ms, LONGEST_TIMER_MS))
}

interface Backoff {
  firstMs: number
  longestMs: number
}

/**
 * How long to wait before attempt number `attempt + 1`, in milliseconds.
 *
 * Uses full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
 */
export function jitter(attempt: number, { firstMs, longestMs }: Backoff): number {
  return Math.random() * Math.min(longestMs, firstMs * 2 ** (attempt - 1))
}

/** Waits. @throws the signal's reason as soon as it is aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const elapsed = new Promise<void>((resolve) => {
    timer = startTimer(ms, resolve)
  })
  try {
    await abortable(elapsed, signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Available in browsers and possibly in other runtimes. */
interface Network {
  addEventListener?: (type: 'online', listener: () => void) => void
  removeEventListener?: (type: 'online', listener: () => void) => void
}

/** Waits until the time has passed or the network is back. An abort ends the wait early, without an error. */
export async function sleepUntilOnline(ms: number, signal: AbortSignal): Promise<void> {
  // Node's globals have neither method, so its types do not overlap.
  const network = globalThis as unknown as Network
  const waking = new AbortController()
  const wake = () => waking.abort()
  network.addEventListener?.('online', wake)
  signal.addEventListener('abort', wake, { once: true })
  if (signal.aborted) wake()
  // Waking it rejects, which is a normal end here.
  await sleep(ms, waking.signal).catch(() => {})
  network.removeEventListener?.('online', wake)
  signal.removeEventListener('abort', wake)
}

/** Settles like the promise, or rejects with the signal's reason as soon as it is aborted. */
export function abortable<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(reasonOf(signal))
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}
