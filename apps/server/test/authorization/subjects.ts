import { createClient, type SottoClient } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { type CallerName, callers, type Subjects } from './matrix.ts'

const PASSWORD = 'correct horse battery'

export type Headers = Readonly<Record<string, string>>

export interface AuthorizationServer extends AsyncDisposable {
  url: string
  subjects: Subjects
  headersOf(caller: CallerName): Headers
  /** What was valid once: nobody gets anywhere with it. */
  invalid: Readonly<Record<string, Headers>>
  /** Logs everybody in again whose session may have ended. */
  logInAgain(): Promise<void>
}

const people = {
  stranger: 'mallory',
  participant: 'bob',
  former: 'carol',
  blocked: 'dave',
  owner: 'alice',
  groupAdmin: 'erin',
  admin: 'root',
} as const

const unlimited = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

export async function startAuthorizationServer(using: 'sqlite' | 'postgres'): Promise<AuthorizationServer> {
  let moved = 0
  const world = await startServer(using, {
    settings: { limits: unlimited, secret: 'a secret of at least 32 characters' },
    overrides: { now: () => new Date(Date.now() + moved) },
  })
  const { client, url } = world
  for (const username of [...Object.values(people), 'somebody', 'zoe']) {
    await client.users.create({ username, password: PASSWORD })
  }
  await client.users.setRole({ user: 'root', role: 'admin' })

  // What is over by the time of the calls: a session and a key are made long before, and expire.
  moved = -40 * 24 * 60 * 60 * 1_000
  const expiredSession = await tokenOf(client, 'bob')
  const expiresAt = new Date(Date.now() + moved + 60_000)
  const expiredKey = await client.keys.create({
    name: 'expired',
    scopes: ['read', 'write', 'admin'],
    expiresAt,
  })
  moved = 0
  const endedSession = await tokenOf(client, 'bob')
  await createClient({ url, token: endedSession }).sessions.end()
  const disabledSession = await tokenOf(client, 'zoe')
  await client.users.setDisabled({ user: 'zoe', disabled: true })
  const revokedKey = await client.keys.create({ name: 'revoked', scopes: ['read', 'write', 'admin'] })
  await client.keys.revoke({ keyId: revokedKey.id })

  const subjects = await makeSubjects(world)
  const keys: Partial<Record<CallerName, Headers>> = {
    key: bearer(world.serviceKey),
    keyForOwner: { ...bearer(world.serviceKey), 'act-as': 'alice' },
  }
  for (const scope of ['read', 'write', 'admin'] as const) {
    keys[`${scope}Key`] = bearer((await client.keys.create({ name: scope, scopes: [scope] })).key)
  }
  keys.readKeyForOwner = { ...keys.readKey, 'act-as': 'alice' }

  const tokens = new Map<CallerName, string>()
  async function logInAgain(): Promise<void> {
    for (const [caller, username] of Object.entries(people)) {
      tokens.set(caller as CallerName, await tokenOf(client, username))
    }
  }
  await logInAgain()

  return {
    url,
    subjects,
    headersOf(caller) {
      const token = tokens.get(caller)
      return token === undefined ? (keys[caller] ?? {}) : bearer(token)
    },
    invalid: {
      'an expired session': bearer(expiredSession),
      'a session that was ended': bearer(endedSession),
      'a session of a disabled user': bearer(disabledSession),
      'an expired key': bearer(expiredKey.key),
      'a revoked key': bearer(revokedKey.key),
      'a revoked key that acts for somebody': { ...bearer(revokedKey.key), 'act-as': 'alice' },
      'an unknown token': bearer('st_unknown'),
      'a wrong password': {
        authorization: `Basic ${Buffer.from('alice:wrong password').toString('base64')}`,
      },
    },
    logInAgain,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

async function makeSubjects({ client, url }: RunningServer): Promise<Subjects> {
  const alice = client.as('alice')
  const { id: group } = await alice.conversations.create({
    name: 'G',
    participants: ['bob', 'carol', 'dave', 'erin'],
  })
  await alice.participants.set({ conversationId: group, user: 'erin', role: 'admin' })
  const said = async () => (await alice.messages.send({ conversationId: group, text: 'hello' })).id
  await said()
  await alice.participants.remove({ conversationId: group, user: 'carol' })
  const message = await said()
  for (const to of ['alice', 'bob', 'dave']) await alice.messages.send({ to, text: 'hello' })
  await alice.blocks.add({ user: 'dave' })

  let count = 0
  const unique = () => `other${++count}`
  /** There may be few, so those before go, but for what a batch asks for. */
  const webhook = async () => {
    const { items } = await client.webhooks.list()
    for (const { id } of items.slice(2)) await client.webhooks.delete({ webhookId: id })
    return (await client.webhooks.create({ url: 'https://hooks.example/subject' })).id
  }
  const user = async () => (await client.users.create({ username: unique() })).id
  return {
    password: PASSWORD,
    group,
    message,
    unique,
    user,
    async member() {
      const id = await user()
      await alice.participants.set({ conversationId: group, user: id })
      return id
    },
    said,
    async session() {
      const own = createClient({ url, token: await tokenOf(client, 'alice') })
      for await (const { id, current } of own.sessions.list()) if (current) return id
      throw new Error('the session is gone')
    },
    invitation: async () => (await client.invitations.create({})).id,
    key: async () => (await client.keys.create({ name: 'short-lived', scopes: ['read'] })).id,
    webhook,
    async delivery() {
      const webhookId = await webhook()
      return { webhookId, deliveryId: (await client.webhooks.test({ webhookId })).id }
    },
  }
}

async function tokenOf(client: SottoClient, username: string): Promise<string> {
  const { token } = await client.sessions.create({ username, password: PASSWORD })
  if (token === undefined) throw new Error('there is no token')
  return token
}

function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` }
}

/** In the order of the matrix. */
export const callerNames: readonly CallerName[] = callers
