/* The parts of browsers that are used here. Declared because a program for Node alone has no browser types. */

/** https://w3c.github.io/web-locks/ */
export interface Locks {
  request(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean; ifAvailable?: boolean },
    callback: (lock: unknown) => unknown,
  ): Promise<unknown>
}

export interface Channel {
  postMessage(message: unknown): void
  onmessage: ((event: { data: unknown }) => void) | null
  close(): void
  /** In Node. */
  unref?(): void
}

type Listen = (type: string, listener: () => void) => void

interface Platform {
  navigator?: { locks?: Locks }
  BroadcastChannel?: new (name: string) => Channel
  document?: { addEventListener: Listen; removeEventListener: Listen; visibilityState: string }
  addEventListener?: Listen
  removeEventListener?: Listen
  location?: { href: string }
  isSecureContext?: boolean
}

export const platform = globalThis as unknown as Platform

/** Starts a timer that does not keep a Node process running. */
export function startBackgroundTimer(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer: ReturnType<typeof setTimeout> & { unref?: () => void } = setTimeout(run, ms)
  timer.unref?.()
  return timer
}

/** The address of a server, which may be relative to the page. */
export function absoluteUrl(base: string): URL {
  return new URL(base, platform.location?.href)
}
