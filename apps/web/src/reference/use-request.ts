import { useEffect, useRef, useState } from 'react'
import type { Credentials } from './credentials.ts'
import { type RequestSpec, send } from './request.ts'

/** How much of an answer is kept, in characters: a stream has no end. */
const MAX_SHOWN = 200_000

/** What has come of a request so far. */
export interface RequestState {
  isPending: boolean
  /** Set when there was no answer. */
  failure?: string
  answer?: {
    status: number
    statusText: string
    /** How long its head took, in milliseconds. */
    ms: number
    headers: Headers
    /** As far as it is here. */
    text: string
  }
}

/** Sends one request at a time, and shows its answer while it comes. Leaving the page ends it. */
export function useRequest(): {
  attempt: RequestState | undefined
  start: (request: RequestSpec, credentials: Credentials) => Promise<void>
  stop: () => void
} {
  const [attempt, setAttempt] = useState<RequestState>()
  const current = useRef<AbortController>(undefined)
  const stop = () => current.current?.abort()
  useEffect(() => () => current.current?.abort(), [])

  async function start(request: RequestSpec, credentials: Credentials): Promise<void> {
    stop()
    const own = new AbortController()
    current.current = own
    const show = (shown: RequestState) => {
      if (current.current === own) setAttempt(shown)
    }
    show({ isPending: true })
    let answer: RequestState['answer']
    try {
      const startedAt = performance.now()
      const response = await send(request, credentials, own.signal)
      const { status, statusText, headers } = response
      answer = { status, statusText, headers, ms: Math.round(performance.now() - startedAt), text: '' }
      show({ isPending: true, answer })
      for await (const part of textOf(response)) {
        answer = { ...answer, text: (answer.text + part).slice(0, MAX_SHOWN) }
        show({ isPending: true, answer })
        if (answer.text.length === MAX_SHOWN) own.abort()
      }
      show({ isPending: false, answer })
    } catch (error) {
      const failure = own.signal.aborted
        ? 'Stopped.'
        : `No answer: ${error instanceof Error ? error.message : ''}`
      show({ isPending: false, failure, ...(answer && { answer }) })
    }
  }
  return { attempt, start, stop }
}

async function* textOf({ body }: Response): AsyncGenerator<string, void, void> {
  if (!body) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}
