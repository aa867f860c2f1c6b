import { withResolvers } from '../runtime-gaps.ts'
import { platform } from './platform.ts'

interface Options {
  /** The name of the lock that the leader holds. Undefined if there are no other candidates. */
  lock: string | undefined
  onElected: () => void
  /** Another tab has taken over. */
  onDeposed: () => void
}

interface Candidacy {
  withdraw: () => void
}

/**
 * Chooses one of the tabs of a browser. The browser keeps the others waiting in a queue, and elects the next one when the
 * leader leaves, is closed or crashes.
 */
export class Election {
  readonly #options: Options
  #candidacy: Candidacy | undefined

  constructor(options: Options) {
    this.#options = options
  }

  enter(): void {
    const waiting = new AbortController()
    this.#request({ signal: waiting.signal }, () => waiting.abort())
  }

  /** Takes over from a leader who does not respond. */
  takeOver(): void {
    this.#request({ steal: true }, () => {})
  }

  /** Withdraws or resigns. */
  leave(): void {
    this.#candidacy?.withdraw()
    this.#candidacy = undefined
  }

  #request(options: { signal?: AbortSignal; steal?: boolean }, cancel: () => void): void {
    this.leave()
    const { lock, onElected, onDeposed } = this.#options
    const term = withResolvers<void>()
    const candidacy: Candidacy = {
      withdraw() {
        cancel()
        term.resolve()
      },
    }
    this.#candidacy = candidacy
    const isCurrent = () => this.#candidacy === candidacy
    let isElected = false
    const elect = (): Promise<void> | undefined => {
      if (!isCurrent()) return undefined
      isElected = true
      onElected()
      return term.promise
    }
    const { locks } = platform.navigator ?? {}
    const held =
      lock === undefined || !locks ? Promise.resolve().then(elect) : locks.request(lock, options, elect)
    held.catch(() => {
      if (!isCurrent()) return
      if (isElected) onDeposed()
      // Locks are not available in some sandboxed frames.
      else void elect()
    })
  }
}
