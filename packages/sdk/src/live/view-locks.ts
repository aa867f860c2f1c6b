/** The part of Web Locks used here. React Native, older runtimes and pages over plain http have none. */
interface Locks {
  request(name: string, options: { signal?: AbortSignal }, run: () => Promise<void>): Promise<void>
}

function webLocks(): Locks | undefined {
  return (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks
}

const tails = new Map<string, Promise<void>>()

/** Runs one task with this name at a time: in all tabs of a browser, or without Web Locks in this page. */
export function exclusively(name: string, run: () => Promise<void>): Promise<void> {
  const before = tails.get(name) ?? Promise.resolve()
  const result = before.then(() => locked(name, run))
  const tail = result
    .catch(() => {})
    .then(() => {
      if (tails.get(name) === tail) tails.delete(name)
    })
  tails.set(name, tail)
  return result
}

async function locked(name: string, run: () => Promise<void>): Promise<void> {
  const locks = webLocks()
  if (!locks) return await run()
  let hasRun = false
  try {
    await locks.request(name, {}, () => {
      hasRun = true
      return run()
    })
  } catch (error) {
    // Some pages have no access to locks, such as sandboxed frames.
    if (hasRun) throw error
    await run()
  }
}

/**
 * Holds a name until the signal is aborted or the page ends. Calls `onHeld` once no other tab or view holds it any
 * more; immediately without Web Locks, because others are then unknown.
 */
export function hold(name: string, signal: AbortSignal, onHeld: () => void): void {
  const locks = webLocks()
  if (signal.aborted) return
  if (!locks) {
    onHeld()
    return
  }
  const released = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const holding = locks.request(name, { signal }, () => {
    onHeld()
    return released
  })
  holding.catch(() => {
    if (!signal.aborted) onHeld()
  })
}
