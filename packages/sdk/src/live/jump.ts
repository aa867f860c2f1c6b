import type { JumpTarget } from './live-state.ts'
import type { SentMessage } from './message-window.ts'

/** The wish to be at another place of a conversation, until it is fulfilled, or another one takes its place. */
export class Jump {
  readonly place: JumpTarget
  /** The message at that place; undefined where there is none, and when another jump came first. */
  readonly landing: Promise<SentMessage | undefined>
  readonly land: (message: SentMessage | undefined) => void
  readonly fail: (reason: unknown) => void

  constructor(place: JumpTarget) {
    this.place = place
    let land: Jump['land'] = () => {}
    let fail: Jump['fail'] = () => {}
    this.landing = new Promise((resolve, reject) => {
      land = resolve
      fail = reject
    })
    this.land = land
    this.fail = fail
  }
}
