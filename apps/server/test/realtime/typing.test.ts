import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Signal } from '../../src/realtime/signals.ts'
import { Typing } from '../../src/realtime/typing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('typing is sent once, and stops ten seconds after the last call', () => {
  const sent: Signal[] = []
  let id = 0
  const typing = new Typing({
    now: () => new Date(),
    newId: () => `${id++}`,
    send: (signal) => void sent.push(signal),
  })
  const types = () => sent.map((signal) => signal.event.type)
  const alice = { conversationId: 'c', userId: 'alice', toUserIds: ['bob'] }
  typing.start(alice)
  vi.advanceTimersByTime(9_000)
  typing.start(alice)
  vi.advanceTimersByTime(9_999)
  expect(types()).toEqual(['typing.started'])
  vi.advanceTimersByTime(1)
  expect(types()).toEqual(['typing.started', 'typing.stopped'])
  typing.stop(alice)
  expect(types()).toHaveLength(2)
  typing.start(alice)
  typing.stop(alice)
  expect(types()).toHaveLength(4)
  expect(sent.every(({ to }) => 'userIds' in to && to.userIds.join() === 'bob')).toBe(true)
  typing.start(alice)
  typing.close()
  expect(vi.getTimerCount()).toBe(0)
})
