import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createClient } from '@sotto/sdk'
import { createServer, memoryLogger, readConfig, type Server } from '@sotto/server'
import { signUserToken } from '@sotto/server/tokens'
import { basic, dialects, failureOf, startServer, totpCode } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { Secret } from 'otpauth'
import { describe, expect, test } from 'vitest'

/*
 * Whoever has a copy of the database can log in as nobody. Every kind of credential is made, all that is stored is
 * read, and then each of the two is looked for in the other.
 */

const password = 'correct horse battery staple'
const secret = 'a secret of at least thirty-two characters'
const jwtSecret = 'another secret of at least thirty-two characters'
/** Thousands of tries are no crowd here. */
const NO_LIMITS = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

interface Running extends AsyncDisposable {
  server: Server
  url: string
}

/** A server that has no key but the one that it makes itself. */
async function startFirst(databaseUrl: string): Promise<Running> {
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
    { log: memoryLogger([]) },
  )
  return { server, url: await server.listen(), [Symbol.asyncDispose]: () => server.close() }
}

/** Has every kind of credential made and used. */
async function makeAll({ server, url }: Running): Promise<string[]> {
  const first = server.newServiceKey ?? 'no first key'
  const client = createClient({ url, token: first })
  await client.users.create({ username: 'alice', password })
  await client.users.create({ username: 'bob', password: `${password} of bob` })
  const made = await client.keys.create({ name: 'reports', scopes: ['read'] })
  await createClient({ url, token: made.key }).users.list()
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
    made.key,
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

/** The bytes that a credential may be stored as without being hidden. */
function formsOf(credential: string): Buffer[] {
  const plain = [
    credential,
    // Without what tells its kind, and as people type it.
    credential.replace(/^[a-z]+_/, ''),
    credential.replaceAll('-', ''),
  ]
  const bytes = [
    ...plain.map((text) => Buffer.from(text)),
    ...(/^[a-z]{2}_[\w-]{43}$/.test(credential) ? [Buffer.from(credential.slice(3), 'base64url')] : []),
    ...(credential.startsWith('whsec_') ? [Buffer.from(credential.slice('whsec_'.length), 'base64')] : []),
    ...(/^[A-Z2-7]{16,}$/.test(credential) ? [Buffer.from(Secret.fromBase32(credential).bytes)] : []),
  ]
  const texts = bytes.flatMap((each) => {
    const hex = each.toString('hex')
    // Two bytes fewer: the end of base64 depends on what comes after it.
    const base64 = [each.toString('base64'), each.toString('base64url')].map((text) => text.slice(0, -4))
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

/** Each of the texts, and the parts of those that are made of some. An address is in the server's log as well. */
function textsIn(values: readonly unknown[]): string[] {
  const texts = values.flatMap((value) =>
    typeof value === 'string' ? [value, ...value.split(/[\s$.:,"]+/)] : [],
  )
  return [...new Set(texts)].filter((text) => /^[\x21-\x7e]{8,255}$/.test(text) && isIP(text) === 0)
}

describe.each(dialects)('a copy of the database on %s', (using) => {
  test('holds nothing that gives access, and gives access with nothing that it holds', {
    timeout: 120_000,
  }, async () => {
    await using place = await startPlace(using)
    await using running = await startFirst(place.databaseUrl)
    // Its first server has made one while nobody was there.
    const setupToken = place.setupToken ?? 'no setup token'
    const credentials = [...(await makeAll(running)), setupToken]
    expect(credentials.length).toBeGreaterThanOrEqual(24)
    expect(credentials.filter((each) => each.startsWith('no '))).toEqual([])

    const values = await allValues(running.server)
    const copies = [Buffer.from(JSON.stringify(values)), ...filesOf(place.databaseUrl)]
    expect(copies).toHaveLength(using === 'sqlite' ? 2 : 1)
    for (const copy of copies) {
      for (const credential of credentials) {
        for (const form of formsOf(credential)) {
          expect(copy.includes(form), `${credential} as ${form.toString('latin1')}`).toBe(false)
        }
      }
    }
    // That it would be found: what is there is.
    for (const copy of copies) expect(copy.includes('argon2id')).toBe(true)

    const { url } = running
    const nobody = createClient({ url, retries: 0 })
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
        () => nobody.sessions.create({ username: 'bob', password: text }),
        () => nobody.sessions.create(proof),
        () => nobody.passwords.reset({ token: text.slice(0, 128), newPassword: 'a new password' }),
        () => nobody.passwords.reset({ token: `pr_${text}`.slice(0, 128), newPassword: 'a new password' }),
        () => nobody.users.create({ username: 'eve', password, invitation: text.slice(0, 128) }),
        () => nobody.users.create({ username: 'eve', password, invitation: `in_${text}`.slice(0, 128) }),
      ]) {
        const { code } = await failureOf(attempt())
        expect(['UNAUTHENTICATED', 'SECOND_FACTOR_REQUIRED', 'FORBIDDEN', 'INVALID_INPUT'], text).toContain(
          code,
        )
      }
    }
    // Each of the same doors is open to who has the right one.
    const [key = '', , token = '', , reset = '', invitation = ''] = credentials
    const asKey = createClient({ url, token: key })
    expect((await asKey.users.list()).items).toHaveLength(4)
    expect((await createClient({ url, token }).users.me()).username).toBe('alice')
    await nobody.passwords.reset({ token: reset, newPassword: 'another horse' })
    await nobody.users.create({ username: 'eve', password, invitation })
  })
})

/** An empty database of its own, with no server on it any more. */
async function startPlace(using: 'sqlite' | 'postgres') {
  const world = await startServer(using, { inFile: true })
  await world.close()
  return world
}

/** What SQLite has on the disk, its write-ahead log too; a PostgreSQL's files belong to it. */
function filesOf(databaseUrl: string): Buffer[] {
  if (!databaseUrl.startsWith('file:')) return []
  const file = databaseUrl.slice('file:'.length)
  return [Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)])]
}
