import { createClient, SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { defer } from '../src/deferred-view.ts'
import { lazyPart } from '../src/lazy-part.ts'
import { isSettled, until } from './support/live.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
  for (const username of ['alice', 'bob', 'carol']) await server.client.users.create({ username })
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

describe('a conversation whose code is not loaded yet', () => {
  it('shows messages immediately and sends them in order', async () => {
    await using live = server.as('alice').conversation('bob').live()
    const listener = vi.fn()
    live.subscribe(listener)
    live.subscribe(listener)()
    const ids = ['1', '2'].map((text) => live.send(text))
    expect(live.state.messages).toMatchObject([
      { text: '1', status: 'pending', isMine: true, clientMessageId: ids[0] },
      { text: '2', status: 'pending', isMine: true, clientMessageId: ids[1] },
    ])
    expect(live.state.unsent).toEqual(live.state.messages)
    expect(live.getSnapshot()).toBe(live.state)
    const { messages } = await until(live, isSettled(2))
    expect(messages.map(({ clientMessageId }) => clientMessageId)).toEqual(ids)
    expect(listener).toHaveBeenCalled()
  })

  it('makes the calls once it is loaded', async () => {
    const { id } = await server.as('alice').messages.send({ to: 'carol', text: 'hello' })
    await using live = server.as('carol').conversation('alice').live()
    const jumped = live.jumpTo('newest')
    const liked = live.like(id)
    expect(await jumped).toMatchObject({ text: 'hello' })
    expect(await liked).toMatchObject({ id })
    await expect(live.edit(id, 'not mine')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it('stores what was sent before it was closed, and does nothing afterwards', async () => {
    const stored = new Map<string, string>()
    const storage = {
      get: (key: string) => stored.get(key),
      set: (key: string, value: string) => void stored.set(key, value),
    }
    const offline = createClient({ url: 'http://127.0.0.1:9', token: 'x' })
    const live = offline.conversation('bob').live({ storage })
    live.send('kept')
    const listener = vi.fn()
    live.subscribe(listener)
    live.close()
    expect(live.state).toMatchObject({ connection: 'closed', messages: [{ text: 'kept' }] })
    expect(() => live.send('late')).toThrow('the conversation is closed')
    await live[Symbol.asyncDispose]()
    expect([...stored.values()]).toEqual([expect.stringContaining('kept')])
    expect(live.state).toMatchObject({ connection: 'closed', messages: [{ text: 'kept' }] })
  })
})

describe('an inbox and a presence', () => {
  it('can be closed before their code is loaded', async () => {
    const token = vi.fn(() => server.serviceKey)
    const client = createClient({ url: server.url, token }).as('alice')
    const views = [client.conversations.live(), client.users.livePresence('none')]
    for (const view of views) view.close()
    expect(views.map(({ state }) => state)).toMatchObject([{ connection: 'closed' }, undefined])
    await expect(client.conversations.live().loadMore()).resolves.toBeUndefined()
  })
})

describe('events', () => {
  it('end if the stream is ended before its code is loaded', async () => {
    const ended = { done: true, value: undefined }
    const events = server.as('alice').events({ cursor: 'kept' })
    expect(events.cursor).toBe('kept')
    const next = events.next()
    expect(await events.return()).toEqual(ended)
    expect(await next).toEqual(ended)
    expect(await events.next()).toEqual(ended)

    const controller = new AbortController()
    const aborted = server.as('alice').events({ signal: controller.signal })
    const pending = aborted.next()
    controller.abort()
    expect(await pending).toEqual(ended)
    expect(await server.as('alice').events({ signal: AbortSignal.abort() }).next()).toEqual(ended)
  })
})

describe('code that cannot be loaded', () => {
  const view = (state: string) => ({ state, subscribe: () => () => {}, act: () => Promise.resolve(state) })
  const options = {
    open: (loaded: ReturnType<typeof view>) => loaded,
    initial: 'waiting',
    afterFailure: (_: string, error: unknown) => `failed: ${String(error)}`,
  }

  it('is tried again, and the state shows the error', async () => {
    vi.useFakeTimers()
    try {
      const load = vi
        .fn<() => Promise<ReturnType<typeof view>>>()
        .mockRejectedValueOnce(new TypeError('404'))
        .mockResolvedValue(view('loaded'))
      const deferred = defer({ ...options, part: lazyPart(load) })
      const result = deferred.call((loaded) => loaded.act())
      await vi.advanceTimersByTimeAsync(0)
      expect(deferred.state).toMatch(/^failed: SottoError: a file of the app cannot be loaded/)
      await vi.advanceTimersByTimeAsync(30_000)
      expect(await result).toBe('loaded')
      expect(deferred.state).toBe('loaded')
    } finally {
      vi.useRealTimers()
    }
  })

  it('is not tried again after the view is closed, and its calls fail', async () => {
    const load = vi.fn<() => Promise<ReturnType<typeof view>>>().mockRejectedValue(new TypeError('404'))
    const deferred = defer({ ...options, part: lazyPart(load) })
    const result = deferred.call((loaded) => loaded.act())
    deferred.run(() => expect.unreachable())
    deferred.stop(new SottoError('UNAVAILABLE', { detail: 'closed' }))
    await expect(result).rejects.toThrow('closed')
    expect(load).toHaveBeenCalledOnce()
  })
})
