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

/** Does all that gives out or takes a secret, and tells the secrets. */
async function useAll({ client, call, url }: RunningServer): Promise<string[]> {
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
    ...recoveryCodes.map((each) => each.replaceAll('-', '')),
    secret,
  ]
}

describe.each(dialects)('what gives access on %s', (using) => {
  test('is neither in the database nor in the log in a form that can be used', async () => {
    await using world = await startServer(using, { settings: { secret, signUp: 'invitation' } })
    const secrets = await useAll(world)
    const kept = await dump(world.app.db)
    const logged = world.logs.join('\n')
    expect(kept).toContain('alice')
    expect(kept).toContain('argon2id')
    expect(logged).toContain('/v1/me/totp/disable')
    for (const each of secrets) {
      expect(kept, each).not.toContain(each)
      expect(kept, each).not.toContain(Buffer.from(each).toString('base64url'))
      expect(logged, each).not.toContain(each)
    }
    expect(logged).not.toContain('argon2')
  })

  test('cannot be read by a server with another secret, which says so; recovery codes still work', async () => {
    await using world = await startServer(using, { settings: { secret }, inFile: true })
    await world.client.users.create({ username: 'alice', password })
    const totp = await world.client.as('alice').totp.start()
    const code = totpCode(totp.secret, new Date())
    const { recoveryCodes } = await world.client.as('alice').totp.confirm({ code })
    if (using === 'sqlite') await world.close()
    await using other = await world.another({ secret: `${secret}, another one` })
    const logIn = (proof: object) => other.client.sessions.create({ username: 'alice', password, ...proof })
    expect(await codeOf(logIn({ code }))).toBe('UNAVAILABLE')
    await logIn({ recoveryCode: recoveryCodes[0] })
  })
})

test('without the setting, SQLite keeps a secret beside its file, for its owner alone', async () => {
  await using world = await startServer('sqlite', { inFile: true })
  await world.client.users.create({ username: 'alice', password })
  const totp = await world.client.as('alice').totp.start()
  const file = `${world.databaseUrl.slice('file:'.length)}.secret`
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await readFile(file, 'utf8')).trim()).toHaveLength(43)

  // The next server on this file reads what this one has sealed.
  await world.close()
  await using next = await world.another()
  await next.client.as('alice').totp.confirm({ code: totpCode(totp.secret, new Date()) })
})
