import type { LiveConversation, LiveState } from '@sotto/sdk'

/** Nothing of what is awaited takes so long; who waits longer waits for ever. */
const LATE_MS = 10_000

/** Resolves when the state is as wanted; looks whenever there is a new one. */
export async function until<State = LiveState>(
  live: Pick<LiveConversation, 'subscribe'> & { readonly state: State },
  holds: (state: State) => boolean,
): Promise<State> {
  const { promise, resolve, reject } = Promise.withResolvers<State>()
  const look = () => {
    if (holds(live.state)) resolve(live.state)
  }
  const stop = live.subscribe(look)
  look()
  const late = setTimeout(
    () => reject(new Error(`it stays ${JSON.stringify(live.state, undefined, 2)}`)),
    LATE_MS,
  )
  try {
    return await promise
  } finally {
    clearTimeout(late)
    stop()
  }
}

export const textsOf = ({ messages }: LiveState) => messages.map(({ text }) => text)

export const isSettled = (count: number) => (state: LiveState) =>
  state.isLoaded && state.messages.length === count && state.messages.every(({ status }) => status === 'sent')

/** Of the messages that the server has. */
export const seqsOf = ({ messages }: LiveState) =>
  messages.flatMap((message) => (message.status === 'sent' ? message.seq : []))
