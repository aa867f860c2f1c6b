import { describe, expect, test } from 'vitest'
import { callRest, callRpc, jsonOf } from './support/calls.ts'
import { dialects } from './support/dialects.ts'
import { buildExampleWorld } from './support/example-world.ts'
import { calls } from './support/operations.ts'

describe.each(dialects)('the examples of the contract on %s', (using) => {
  test.each(calls)('$name answers what its example says, over RPC and REST alike', async (operation) => {
    const { entry } = operation
    const expected = comparable(jsonOf(entry.example.output))

    for (const call of [callRpc, callRest]) {
      await using world = await buildExampleWorld(using, entry)
      const input = jsonOf(entry.example.input) as Record<string, unknown>
      const { answer } = await call(world.server, operation, input, world.headers(entry.example.as))

      expect({ ...answer, output: comparable(answer.output) }).toEqual({
        status: call === callRest ? entry.http.status : 200,
        output: expected,
        code: undefined,
        issues: [],
      })
    }
  })
})

/** A token, a key and an event cursor are others each time; that they are one is all that can be compared. */
function comparable(output: unknown): unknown {
  if (typeof output !== 'object' || output === null) return output
  return {
    ...output,
    ...('token' in output && {
      token: /^st_[\w-]{40,}$/.test(String(output.token)) ? 'a token' : output.token,
    }),
    ...('key' in output && { key: /^sk_[\w-]{40,}$/.test(String(output.key)) ? 'a key' : output.key }),
    ...('cursor' in output && {
      cursor: /^[\w-]{20,}$/.test(String(output.cursor)) ? 'a cursor' : output.cursor,
    }),
  }
}
