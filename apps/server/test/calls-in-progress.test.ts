import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Caller } from '../src/auth/caller.ts'
import { CallsInProgress } from '../src/http/calls-in-progress.ts'

const anonymous: Caller = { kind: 'anonymous' }
const user = (id: string): Caller => ({
  kind: 'user',
  credential: { kind: 'session', id },
  actor: { id, username: id, externalId: null },
  isAdmin: false,
})
const key: Caller = {
  kind: 'key',
  keyId: 'k',
  scopes: new Set(),
  actor: { id: 'alice', username: 'alice', externalId: null },
}

function newResponse(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()))
}

test.each([
  ['user', user('alice'), user('bob')],
  ['address', anonymous, user('alice')],
])('limits calls in progress per %s to 50 until one ends', (_, own, other) => {
  const calls = new CallsInProgress()
  const begin = (caller: Caller, response = newResponse(), address = '192.0.2.1') =>
    calls.begin(caller, { address }, response)
  const first = newResponse()
  begin(own, first)
  for (let n = 1; n < 50; n++) begin(own)
  expect(() => begin(own)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 1_000 }))
  begin(other)
  begin(anonymous, newResponse(), '192.0.2.2')
  for (let n = 0; n < 100; n++) begin(key)
  first.emit('close')
  const closed = newResponse()
  closed.destroy()
  // Not counted, because no `close` event would follow.
  begin(own, closed)
  begin(own)
  expect(() => begin(own)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
})
