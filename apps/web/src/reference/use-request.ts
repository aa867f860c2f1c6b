import { useEffect, useRef, useState } from 'react'
import type { Credentials } from './credentials.ts'
import { type RequestSpec, send } from './request.ts'

/** The maximum length of a response to keep, in characters: streams do not end. */
const MAX_LENGTH = 200_000

/** The progress of a request. */
export interface RequestState {
  isPending: boolean
  /** Set if there was no response, or it was cut off. */
  failure?: string
  response?: {
    status: number
    statusText: string
    /** The time until the headers arrived, in milliseconds. */
    ms: number
    headers: Headers
    /** The body received so far. */
    text: string
  }
}

/** Sends one request at a time and streams its response. Unmounting aborts it. */
export function useRequest(): {
  request: RequestState | undefined
  start: (spec: RequestSpec, credentials: Credentials) => Promise<void>
  stop: () => void
} {
  const [request, setRequest] = useState<RequestState>()
  const current = useRef<AbortController>(undefined)
  const stop = () => current.current?.abort()
  useEffect(() => () => current.current?.abort(), [])

  async function start(spec: RequestSpec, credentials: Credentials): Promise<void> {
    stop()
    const controller = new AbortController()
    current.current = controller
    const update = (state: RequestState) => {
      if (current.current === controller) setRequest(state)
    }
    update({ isPending: true })
    let received: RequestState['response']
    try {
      const startedAt = performance.now()
      const response = await send(spec, credentials, controller.signal)
      const { status, statusText, headers } = response
      received = { status, statusText, headers, ms: Math.round(performance.now() - startedAt), text: '' }
      update({ isPending: true, response: received })
      for await (const chunk of textOf(response)) {
        received = { ...received, text: (received.text + chunk).slice(0, MAX_LENGTH) }
        update({ isPending: true, response: received })
        if (received.text.length === MAX_LENGTH) controller.abort()
      }
      update({ isPending: false, response: received })
    } catch (error) {
      const failure = controller.signal.aborted
        ? 'Stopped.'
        : `No response: ${error instanceof Error ? error.message : ''}`
      update({ isPending: false, failure, ...(received && { response: received }) })
    }
  }
  return { request, start, stop }
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
