import { startServer } from '@sotto/testing/internal'
import { expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
/** How soon other servers must notice a change. */
const NOTICE_MS = 2_000
/** So many that their sessions are read again together. */
const users = Array.from({ length: 12 }, (_, index) => `user-${index}`)

test('other servers notice ended sessions, disabled and erased users although they are in constant use', async () => {
  await using server = await startServer('postgres')
  await using other = await server.another()
  for (const username of users) await server.client.users.create({ username, password: PASSWORD })
  const tokens = await Promise.all(
    users.map(async (username) => {
      const body = { username, password: PASSWORD }
      return (await server.call<{ token: string }>(undefined, 'POST', '/v1/sessions', body)).token
    }),
  )
  const statusOf = async (authorization: string, actAs?: string) => {
    const headers = { authorization, ...(actAs !== undefined && { 'act-as': actAs }) }
    const response = await other.fetch('/v1/me', { headers })
    await response.text()
    return response.status
  }
  const statuses = async () => ({
    ofTokens: await Promise.all(tokens.map((token) => statusOf(`Bearer ${token}`))),
    ofUsers: await Promise.all(users.map((user) => statusOf(`Bearer ${server.serviceKey}`, user))),
  })
  const ok = users.map(() => 200)
  const end = performance.now() + NOTICE_MS
  while (performance.now() < end) expect(await statuses()).toEqual({ ofTokens: ok, ofUsers: ok })

  const current = await server.fetch('/v1/sessions/current', {
    method: 'DELETE',
    headers: { authorization: `Bearer ${tokens[0]}` },
  })
  expect(current.status).toBe(204)
  await server.call(undefined, 'PUT', '/v1/users/user-1/disabled', { disabled: true })
  await server.call(undefined, 'DELETE', '/v1/users/user-2')
  await expect.poll(statuses, { timeout: NOTICE_MS }).toEqual({
    ofTokens: [401, 401, 401, ...ok.slice(3)],
    ofUsers: [200, 200, 404, ...ok.slice(3)],
  })
})
