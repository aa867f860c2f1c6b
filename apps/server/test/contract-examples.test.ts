import { callRest, callRpc, calls, dialects, jsonOf } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { startExampleServer } from './support/example-server.ts'

describe.each(dialects)('contract examples on %s', (using) => {
  test.each(calls)('$name returns the output of its example over RPC and REST', async (operation) => {
    const { entry } = operation
    const expected = comparable(jsonOf(entry.example.output))
    const stack = new AsyncDisposableStack()
    await using _stack = stack
    const start = async () => stack.use(await startExampleServer(using, entry))
    // A query changes nothing, so both calls can use one server.
    const forRpc = await start()
    const forRest = entry.kind === 'query' ? forRpc : await start()

    for (const [call, { server, input, headers }] of [
      [callRpc, forRpc],
      [callRest, forRest],
    ] as const) {
      const { answer } = await call(server, operation, input, headers(entry.example.as))

      expect({ ...answer, output: comparable(answer.output) }).toEqual({
        status: call === callRest ? entry.http.status : 200,
        output: expected,
        code: undefined,
        issues: [],
      })
    }
  })
})

/** Fields whose value differs on each run, with the pattern it must match. */
const CHANGING: Record<string, RegExp> = {
  token: /^(?:st|in|pr)_[\w-]{40,}$/,
  key: /^sk_[\w-]{40,}$/,
  cursor: /^[\w-]{20,}$/,
  secret: /^(?:[A-Z2-7]{32}|whsec_[A-Za-z0-9+/]{43}=)$/,
  uri: /^otpauth:\/\/totp\/Sotto:alice\?issuer=Sotto&secret=[A-Z2-7]{32}&algorithm=SHA1&digits=6&period=30$/,
  version: /^\d+\.\d+\.\d+/,
  startedAt: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
  calls: /^\d+$/,
  recoveryCodes: /^(?:[0-9a-z]{4}(?:-[0-9a-z]{4}){3},?){10}$/,
}

function comparable(output: unknown): unknown {
  if (Array.isArray(output)) return output.map(comparable)
  if (typeof output !== 'object' || output === null) return output
  return Object.fromEntries(
    Object.entries(output).map(([field, value]) => [
      field,
      CHANGING[field]?.test(String(value)) ? `a ${field}` : comparable(value),
    ]),
  )
}
