import type { Event } from '@sotto/contract'
import type { EventOptions, EventSource, EventStream } from './events.ts'
import { lazyPart, loadPart } from './lazy-part.ts'
import { asyncIterator } from './runtime-gaps.ts'
import { abortable } from './waiting.ts'

const streams = lazyPart(() => import('./streams.ts'))

/** A stream of events. Its code is loaded when the first event is requested. */
export function deferredEvents(source: EventSource, options: EventOptions): EventStream {
  const ending = new AbortController()
  const end = () => ending.abort()
  let stream: EventStream | undefined
  let opened: Promise<EventStream | undefined> | undefined

  /** @returns undefined if the stream was ended before it was open. */
  async function open(): Promise<EventStream | undefined> {
    if (options.signal?.aborted) end()
    options.signal?.addEventListener('abort', end, { once: true })
    try {
      const loading = loadPart(streams, ending.signal, (error) => options.onStatus?.('reconnecting', error))
      const { openStream } = await abortable(loading, ending.signal)
      stream = await openStream(source, options)
      return stream
    } catch (error) {
      if (ending.signal.aborted) return undefined
      throw error
    } finally {
      options.signal?.removeEventListener('abort', end)
    }
  }

  async function stop(): Promise<IteratorResult<Event, void>> {
    end()
    return stream ? await stream.return() : { done: true, value: undefined }
  }

  return {
    get cursor() {
      return stream ? stream.cursor : options.cursor
    },
    async next() {
      opened ??= open()
      return (await (await opened)?.next()) ?? { done: true, value: undefined }
    },
    return: stop,
    [asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}
