import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryLogger } from '../../src/index.ts'
import type { Signal } from '../../src/realtime/signals.ts'
import { Typing } from '../../src/realtime/typing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const alice = { conversationId: 'c', userId: 'alice' }

function createTyping(audience: () => string[]) {
  const sent: Signal[] = []
  let id = 0
  const typing = new Typing({
    now: () => new Date(),
    newId: () => `${id++}`,
    log: memoryLogger([]),
    send: (signal) => void sent.push(signal),
    findAudience: async () => audience(),
  })
  const seen = () => sent.map(({ event, to }) => `${event.type} ${'userIds' in to ? to.userIds.join() : ''}`)
  return { typing, seen }
}

test('typing is sent once, and stops ten seconds after the last call', async () => {
  const { typing, seen } = createTyping(() => ['bob'])
  typing.start(alice, ['bob'])
  vi.advanceTimersByTime(9_000)
  typing.start(alice, ['bob'])
  vi.advanceTimersByTime(9_999)
  expect(seen()).toEqual(['typing.started bob'])
  await vi.advanceTimersByTimeAsync(1)
  expect(seen()).toEqual(['typing.started bob', 'typing.stopped bob'])
  typing.stop(alice, ['bob'])
  expect(seen()).toHaveLength(2)
  typing.start(alice, ['bob'])
  typing.stop(alice, ['bob'])
  expect(seen()).toHaveLength(4)
  typing.start(alice, ['bob'])
  typing.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('the end of typing is sent only to those who saw its start and may still see it', async () => {
  let audience = ['bob', 'carol']
  const { typing, seen } = createTyping(() => audience)
  typing.start(alice, audience)
  audience = ['carol', 'dave']
  await vi.advanceTimersByTimeAsync(10_000)
  expect(seen()).toEqual(['typing.started bob,carol', 'typing.stopped carol'])
  typing.start(alice, audience)
  typing.stop(alice, [])
  expect(seen()).toEqual(['typing.started bob,carol', 'typing.stopped carol', 'typing.started carol,dave'])
})

test('typing that goes on while its end is being sent does not stop', async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const sent: string[] = []
  const typing = new Typing({
    now: () => new Date(),
    newId: () => '',
    log: memoryLogger([]),
    send: ({ event }) => void sent.push(event.type),
    findAudience: () => promise,
  })
  typing.start(alice, ['bob'])
  await vi.advanceTimersByTimeAsync(10_000)
  typing.start(alice, ['bob'])
  resolve(['bob'])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual(['typing.started'])
  typing.close()
})

test('a block ends what each user sees of the other at once', async () => {
  const { typing, seen } = createTyping(() => ['bob', 'carol'])
  typing.start(alice, ['bob', 'carol'])
  typing.start({ conversationId: 'c', userId: 'bob' }, ['alice', 'carol'])
  typing.hideBetween('bob', 'alice')
  expect(seen().slice(2)).toEqual(['typing.stopped bob', 'typing.stopped alice'])
  typing.stop(alice, ['carol'])
  expect(seen().slice(4)).toEqual(['typing.stopped carol'])
  typing.close()
})
