import { withResolvers } from '../runtime-gaps.ts'
import type { JumpTarget } from './live-state.ts'
import type { SentMessage } from './message-window.ts'

/** A requested move to another position, until it completes or is replaced. */
export class Jump {
  readonly target: JumpTarget
  /** The message at the target. Undefined if there is none, or if another jump replaced this one. */
  readonly result: Promise<SentMessage | undefined>
  readonly resolve: (message: SentMessage | undefined) => void
  readonly reject: (reason: unknown) => void

  constructor(target: JumpTarget) {
    this.target = target
    const { promise, resolve, reject } = withResolvers<SentMessage | undefined>()
    this.result = promise
    this.resolve = resolve
    this.reject = reject
  }
}
