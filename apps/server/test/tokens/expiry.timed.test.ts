import { signUserToken } from '@sotto/sdk/server'
import { dialects, openSse, openWs, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import type { UserTokenSettings } from '../../src/index.ts'
import { SECRET } from './token-fixtures.ts'

const userTokens: UserTokenSettings = {
  keys: { secret: SECRET },
  audience: 'sotto',
  issuer: undefined,
  createUsers: true,
}
/** How soon a stream must end once its token is no longer valid. */
const END_MS = 2_000

describe.each(dialects)('users of signed tokens on %s', (using) => {
  test('lose access, including open streams, when their token expires or they are disabled', async () => {
    let aheadMs = 0
    const now = () => new Date(Date.now() + aheadMs)
    await using server = await startServer(using, {
      users: ['alice', 'bob', 'carol', 'dora'],
      settings: { userTokens },
      overrides: { now },
    })
    const open = async (user: string, expiresInSeconds: number) => {
      const authorization = `Bearer ${await signUserToken({ secret: SECRET, user, expiresInSeconds })}`
      return {
        authorization,
        sse: await openSse(`${server.url}/v1/events`, { authorization }),
        ws: await openWs(server.url, { authorization }, {}),
      }
    }
    const untilEnd = async ({ authorization, sse, ws }: Awaited<ReturnType<typeof open>>) => {
      const before = performance.now()
      await sse.ended
      await expect.poll(() => ws.failure, { timeout: END_MS }).toBe('UNAUTHENTICATED')
      expect(performance.now() - before).toBeLessThan(END_MS)
      const statusOf = async () =>
        (await fetch(`${server.url}/v1/users`, { headers: { authorization } })).status
      await expect.poll(statusOf, { timeout: END_MS }).toBe(401)
    }
    const short = await open('alice', 60)
    const long = await open('alice', 600)
    const disabled = await open('bob', 600)
    const renamed = await open('dora', 600)

    await server.app.db
      .updateTable('users')
      .set({ disabled_at: new Date() })
      .where('username', '=', 'bob')
      .execute()
    await untilEnd(disabled)
    // The token would create a user with the external id that has become free.
    await server.client.users.update({ user: 'ext:dora', externalId: 'other' })
    await renamed.sse.ended
    await expect.poll(() => renamed.ws.failure, { timeout: END_MS }).toBe('UNAUTHENTICATED')
    // Six seconds after it expired: five seconds are tolerated.
    aheadMs = 66_000
    await untilEnd(short)

    await server.send('carol', 'alice', 'still there')
    await long.sse.inbox.untilText('still there')
    await long.ws.inbox.untilText('still there')
    for (const { sse, ws } of [short, long, disabled, renamed]) {
      sse.close()
      ws.close()
    }
  })
})
