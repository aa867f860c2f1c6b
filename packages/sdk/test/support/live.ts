import type { LiveConversation, LiveState } from '@sotto/sdk'

/** Longer than anything these tests wait for. */
const TIMEOUT_MS = 10_000

/** Resolves once the condition holds, checking on every change. */
export async function until<State = LiveState>(
  live: Pick<LiveConversation, 'subscribe'> & { readonly state: State },
  holds: (state: State) => boolean,
): Promise<State> {
  const { promise, resolve, reject } = Promise.withResolvers<State>()
  const check = () => {
    if (holds(live.state)) resolve(live.state)
  }
  const stop = live.subscribe(check)
  check()
  const timeout = setTimeout(
    () => reject(new Error(`the condition was not met: ${JSON.stringify(live.state, undefined, 2)}`)),
    TIMEOUT_MS,
  )
  try {
    return await promise
  } finally {
    clearTimeout(timeout)
    stop()
  }
}

export const textsOf = ({ messages }: LiveState) => messages.map(({ text }) => text)

export const isSettled = (count: number) => (state: LiveState) =>
  state.isLoaded && state.messages.length === count && state.messages.every(({ status }) => status === 'sent')

/** The seqs of sent messages. */
export const seqsOf = ({ messages }: LiveState) =>
  messages.flatMap((message) => (message.status === 'sent' ? message.seq : []))
