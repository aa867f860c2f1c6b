import { readFile, stat } from 'node:fs/promises'
import type { Executor } from '@sotto/db'
import { codeOf, dialects, type RunningServer, startServer, totpCode } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
const newPassword = 'battery staple'
const secret = 'a secret of at least thirty-two characters'

/** Every value of every table, as text. */
async function dump(db: Executor): Promise<string> {
  const tables = await db.introspection.getTables()
  const rows = await Promise.all(
    tables.map(({ name }) => sql`select * from ${sql.table(name)}`.execute(db).then(({ rows: all }) => all)),
  )
  return JSON.stringify(rows)
}

/** Calls every operation that issues or takes a secret. Returns the secrets. */
async function useSecrets({ client, call, url }: RunningServer): Promise<string[]> {
  await client.users.create({ username: 'alice', password })
  const invitation = await client.invitations.create()
  const reset = await client.passwords.issueReset({ user: 'alice' })
  const session = await client.sessions.create({ username: 'alice', password })
  await client.passwords.set({ user: 'alice', newPassword })
  const other = await client.passwords.issueReset({ user: 'alice' })
  const totp = await client.as('alice').totp.start()
  const code = totpCode(totp.secret, new Date())
  const { recoveryCodes } = await client.as('alice').totp.confirm({ code })
  await codeOf(client.sessions.create({ username: 'alice', password: newPassword, code }))
  await codeOf(client.passwords.reset({ token: reset.token, newPassword: password }))
  await client.sessions.create({
    username: 'alice',
    password: newPassword,
    recoveryCode: recoveryCodes[0] ?? '',
  })
  await call('alice', 'POST', '/v1/me/totp/disable', { code: '000000' }).catch(() => {})
  await fetch(`${url}/v1/users`, {
    method: 'POST',
    body: JSON.stringify({ username: 'zoe', password, invitation: invitation.token }),
  })
  return [
    password,
    newPassword,
    invitation.token,
    reset.token,
    other.token,
    session.token ?? 'no token',
    totp.secret,
    ...recoveryCodes,
    ...recoveryCodes.map((recoveryCode) => recoveryCode.replaceAll('-', '')),
    secret,
  ]
}

describe.each(dialects)('secrets on %s', (using) => {
  test('are neither in the database nor in the log in a usable form', async () => {
    await using server = await startServer(using, { settings: { secret, signUp: 'invitation' } })
    const secrets = await useSecrets(server)
    const stored = await dump(server.app.db)
    const logged = server.logs.join('\n')
    expect(stored).toContain('alice')
    expect(stored).toContain('argon2id')
    expect(logged).toContain('/v1/me/totp/disable')
    for (const value of secrets) {
      expect(stored, value).not.toContain(value)
      expect(stored, value).not.toContain(Buffer.from(value).toString('base64url'))
      expect(logged, value).not.toContain(value)
    }
    expect(logged).not.toContain('argon2')
  })

  test('for TOTP cannot be read with another SOTTO_SECRET, but recovery codes still work', async () => {
    await using server = await startServer(using, { settings: { secret }, inFile: true })
    await server.client.users.create({ username: 'alice', password })
    const totp = await server.client.as('alice').totp.start()
    const code = totpCode(totp.secret, new Date())
    const { recoveryCodes } = await server.client.as('alice').totp.confirm({ code })
    if (using === 'sqlite') await server.close()
    await using other = await server.another({ secret: `${secret}, another one` })
    const signIn = (proof: object) => other.client.sessions.create({ username: 'alice', password, ...proof })
    expect(await codeOf(signIn({ code }))).toBe('UNAVAILABLE')
    await signIn({ recoveryCode: recoveryCodes[0] })
  })
})

test('SQLite without SOTTO_SECRET stores a secret next to its file, readable only by the owner', async () => {
  await using server = await startServer('sqlite', { inFile: true })
  await server.client.users.create({ username: 'alice', password })
  const totp = await server.client.as('alice').totp.start()
  const file = `${server.databaseUrl.slice('file:'.length)}.secret`
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await readFile(file, 'utf8')).trim()).toHaveLength(43)

  // The next server on this file can decrypt what this one encrypted.
  await server.close()
  await using next = await server.another()
  await next.client.as('alice').totp.confirm({ code: totpCode(totp.secret, new Date()) })
})
