import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SocketLimit } from '../src/http/socket-limit.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A socket that only records calls of `close`. */
function openSocket() {
  const close = vi.fn<() => void>()
  return Object.assign(new EventEmitter(), { close })
}

test('closes a WebSocket without credentials after a minute', () => {
  const holders = new SocketLimit()
  const stays = openSocket()
  const leaves = openSocket()
  for (const socket of [stays, leaves]) holders.hold({ kind: 'anonymous' }, socket)
  leaves.emit('close')
  vi.advanceTimersByTime(59_999)
  expect(stays.close).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(stays.close).toHaveBeenCalledOnce()
  expect(leaves.close).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
