import { EventEmitter } from 'node:events'
import { SottoError } from '@sotto/contract'
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
  const limit = new SocketLimit()
  const stays = openSocket()
  const leaves = openSocket()
  for (const socket of [stays, leaves]) limit.arrive('192.0.2.1', socket).identify({ kind: 'anonymous' })
  leaves.emit('close')
  vi.advanceTimersByTime(59_999)
  expect(stays.close).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(stays.close).toHaveBeenCalledOnce()
  expect(leaves.close).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

test('limits WebSockets without a user or key per address', () => {
  const limit = new SocketLimit()
  const sockets = Array.from({ length: 100 }, openSocket)
  const arrivals = sockets.map((socket, i) => limit.arrive(`2001:db8::${i}`, socket))
  const arrive = (address = '2001:db8::ffff') => limit.arrive(address, openSocket())
  expect(arrive).toThrow(SottoError)
  expect(() => arrive('2001:db8:0:1::1')).not.toThrow()

  arrivals[0]?.identify({ kind: 'anonymous' })
  expect(arrive).toThrow('without credentials')
  arrivals[1]?.identify({
    kind: 'key',
    keyId: 'k',
    scopes: new Set(),
    actor: { id: 'u', username: 'u', externalId: null },
  })
  expect(arrive).not.toThrow()
  expect(arrive).toThrow('without credentials')
  // Counted for its user from now on.
  sockets[1]?.emit('close')
  expect(arrive).toThrow('without credentials')
  sockets[0]?.emit('close')
  expect(arrive).not.toThrow()
})
