import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createClient } from '@sotto/sdk'
import { signUserToken } from '@sotto/sdk/server'
import { createServer, memoryLogger, readConfig, type Server } from '@sotto/server'
import { basic, dialects, failureOf, startServer, totpCode } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { Secret } from 'otpauth'
import { describe, expect, test } from 'vitest'

/*
 * A copy of the database gives no access. Creates every kind of credential and checks that the database contains none
 * of them, and that nothing in the database works as a credential.
 */

const password = 'correct horse battery staple'
const secret = 'a secret of at least thirty-two characters'
const jwtSecret = 'another secret of at least thirty-two characters'
/** The test makes thousands of attempts. */
const NO_LIMITS = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

interface FirstServer extends AsyncDisposable {
  server: Server
  url: string
}

/** Starts a server without a configured service key, so that it creates one. */
async function startFirst(databaseUrl: string): Promise<FirstServer> {
  const server = await createServer(
    {
      ...readConfig({}),
      port: 0,
      databaseUrl,
      secret,
      signUp: 'invitation',
      limits: NO_LIMITS,
      userTokens: {
        keys: { secret: jwtSecret },
        audience: 'sotto',
        issuer: undefined,
        createUsers: true,
      },
    },
    // The cost of a hash makes no difference to what is stored beside it.
    { log: memoryLogger([]), fastPasswords: true, keepAliveDrainMs: 0 },
  )
  return { server, url: await server.listen(), [Symbol.asyncDispose]: () => server.close() }
}

/** Creates and uses every kind of credential. Returns them all. */
async function createCredentials({ server, url }: FirstServer): Promise<string[]> {
  const first = server.newServiceKey ?? 'no first key'
  const client = createClient({ url, token: first })
  await client.users.create({ username: 'alice', password })
  await client.users.create({ username: 'bob', password: `${password} of bob` })
  const readKey = await client.keys.create({ name: 'reports', scopes: ['read'] })
  await createClient({ url, token: readKey.key }).users.list()
  const session = await client.sessions.create({ username: 'alice', password })
  const inCookie = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ username: 'alice', password, cookie: true }),
  })
  const cookie = /^__Host-sotto=([^;]+)/.exec(inCookie.headers.get('set-cookie') ?? '')?.[1]
  const reset = await client.passwords.issueReset({ user: 'alice' })
  const invitation = await client.invitations.create({ maxUses: 2 })
  const invited = { username: 'carol', password: `${password} of carol`, invitation: invitation.token }
  await createClient({ url }).users.create(invited)
  const webhook = await client.webhooks.create({ url: 'https://hooks.example/sotto' })
  const jwt = await signUserToken({ secret: jwtSecret, user: 'dave' })
  await createClient({ url, token: jwt }).users.me()
  await fetch(`${url}/v1/me`, { headers: { authorization: basic('alice', password) } })
  const alice = createClient({ url, token: session.token })
  const totp = await alice.totp.start()
  const code = totpCode(totp.secret, new Date())
  const { recoveryCodes } = await alice.totp.confirm({ code })
  await client.sessions.create({ username: 'alice', password, recoveryCode: recoveryCodes[0] })
  return [
    first,
    readKey.key,
    session.token ?? 'no token',
    cookie ?? 'no cookie',
    reset.token,
    invitation.token,
    jwt,
    totp.secret,
    ...recoveryCodes,
    password,
    invited.password,
    webhook.secret,
    secret,
    jwtSecret,
  ]
}

/** The byte sequences in which a credential could be stored unprotected. */
function formsOf(credential: string): Buffer[] {
  const plain = [
    credential,
    // Without the prefix of its kind, and without hyphens.
    credential.replace(/^[a-z]+_/, ''),
    credential.replaceAll('-', ''),
  ]
  const bytes = [
    ...plain.map((text) => Buffer.from(text)),
    ...(/^[a-z]{2}_[\w-]{43}$/.test(credential) ? [Buffer.from(credential.slice(3), 'base64url')] : []),
    ...(credential.startsWith('whsec_') ? [Buffer.from(credential.slice('whsec_'.length), 'base64')] : []),
    ...(/^[A-Z2-7]{16,}$/.test(credential) ? [Buffer.from(Secret.fromBase32(credential).bytes)] : []),
  ]
  const texts = bytes.flatMap((form) => {
    const hex = form.toString('hex')
    // Without the last four characters, because the end of base64 depends on the following bytes.
    const base64 = [form.toString('base64'), form.toString('base64url')].map((text) => text.slice(0, -4))
    return [hex, hex.toUpperCase(), ...base64]
  })
  return [...bytes, ...texts.map((text) => Buffer.from(text))]
}

/** Every value of every table. */
async function allValues({ app }: Server): Promise<unknown[]> {
  const tables = await app.db.introspection.getTables()
  const rows = await Promise.all(
    tables.map(({ name }) => sql`select * from ${sql.table(name)}`.execute(app.db).then((all) => all.rows)),
  )
  return rows.flat().flatMap((row) => Object.values(row as object))
}

/** All texts, and the parts of composite ones, except IP addresses. */
function textsIn(values: readonly unknown[]): string[] {
  const texts = values.flatMap((value) =>
    typeof value === 'string' ? [value, ...value.split(/[\s$.:,"]+/)] : [],
  )
  return [...new Set(texts)].filter((text) => /^[\x21-\x7e]{8,255}$/.test(text) && isIP(text) === 0)
}

describe.each(dialects)('a copy of the database on %s', (using) => {
  test('contains no credentials and nothing that works as one', {
    timeout: 120_000,
  }, async () => {
    await using database = await createFreshDatabase(using)
    await using running = await startFirst(database.databaseUrl)
    // Created by the first server on this database, because there were no users.
    const setupToken = database.setupToken ?? 'no setup token'
    const credentials = [...(await createCredentials(running)), setupToken]
    expect(credentials.length).toBeGreaterThanOrEqual(24)
    expect(credentials.filter((credential) => credential.startsWith('no '))).toEqual([])

    const values = await allValues(running.server)
    const copies = [Buffer.from(JSON.stringify(values)), ...filesOf(database.databaseUrl)]
    expect(copies).toHaveLength(using === 'sqlite' ? 2 : 1)
    for (const copy of copies) {
      for (const credential of credentials) {
        for (const form of formsOf(credential)) {
          expect(copy.includes(form), `${credential} as ${form.toString('latin1')}`).toBe(false)
        }
      }
    }
    // Shows that stored text would be found.
    for (const copy of copies) expect(copy.includes('argon2id')).toBe(true)

    const { url } = running
    const anonymous = createClient({ url, retries: 0 })
    const stored = textsIn(values)
    expect(stored.length).toBeGreaterThan(50)
    for (const text of stored) {
      for (const token of [text, `sk_${text}`, `st_${text}`]) {
        const bearer = await fetch(`${url}/v1/users`, { headers: { authorization: `Bearer ${token}` } })
        expect([bearer.status, await bearer.text()], token).toMatchObject([401, expect.anything()])
        const cookie = await fetch(`${url}/v1/users`, {
          headers: { cookie: `__Host-sotto=${token}`, origin: url },
        })
        expect(cookie.status, token).toBe(401)
      }
      const proof = { username: 'alice', password, recoveryCode: text.slice(0, 64) }
      for (const attempt of [
        () => anonymous.sessions.create({ username: 'bob', password: text }),
        () => anonymous.sessions.create(proof),
        () => anonymous.passwords.reset({ token: text.slice(0, 128), newPassword: 'a new password' }),
        () => anonymous.passwords.reset({ token: `pr_${text}`.slice(0, 128), newPassword: 'a new password' }),
        () => anonymous.users.create({ username: 'eve', password, invitation: text.slice(0, 128) }),
        () => anonymous.users.create({ username: 'eve', password, invitation: `in_${text}`.slice(0, 128) }),
      ]) {
        const { code } = await failureOf(attempt())
        expect(['UNAUTHENTICATED', 'SECOND_FACTOR_REQUIRED', 'FORBIDDEN', 'INVALID_INPUT'], text).toContain(
          code,
        )
      }
    }
    // The real credentials work.
    const [key = '', , token = '', , reset = '', invitation = ''] = credentials
    const asKey = createClient({ url, token: key })
    expect((await asKey.users.list()).items).toHaveLength(4)
    expect((await createClient({ url, token }).users.me()).username).toBe('alice')
    await anonymous.passwords.reset({ token: reset, newPassword: 'another horse' })
    await anonymous.users.create({ username: 'eve', password, invitation })
  })
})

/** Creates an empty database and stops the server that migrated it. */
async function createFreshDatabase(using: 'sqlite' | 'postgres') {
  const server = await startServer(using, { inFile: true })
  await server.close()
  return server
}

/** The SQLite files on disk, including the write-ahead log. Empty on PostgreSQL. */
function filesOf(databaseUrl: string): Buffer[] {
  if (!databaseUrl.startsWith('file:')) return []
  const file = databaseUrl.slice('file:'.length)
  return [Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)])]
}
