import { createClient, type SottoClient } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { type CallerName, callers, type Resources } from './matrix.ts'

const PASSWORD = 'correct horse battery'

export type Headers = Readonly<Record<string, string>>

export interface AuthorizationServer extends AsyncDisposable {
  url: string
  resources: Resources
  headersOf(caller: CallerName): Headers
  idOf(caller: keyof typeof usernames): Promise<string>
  /** Credentials that must be rejected, by description. */
  invalid: Readonly<Record<string, Headers>>
  /** Signs alice and this caller in again. */
  signInAgain(caller: CallerName): Promise<void>
}

const usernames = {
  stranger: 'mallory',
  participant: 'bob',
  former: 'carol',
  blocked: 'dave',
  owner: 'alice',
  groupAdmin: 'erin',
  admin: 'root',
} as const

function hasAccount(caller: string): caller is keyof typeof usernames {
  return caller in usernames
}

const unlimited = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

export async function startAuthorizationServer(using: 'sqlite' | 'postgres'): Promise<AuthorizationServer> {
  let clockOffsetMs = 0
  const server = await startServer(using, {
    settings: { limits: unlimited, secret: 'a secret of at least 32 characters' },
    overrides: { now: () => new Date(Date.now() + clockOffsetMs) },
  })
  const { client, url } = server
  for (const username of [...Object.values(usernames), 'frank', 'zoe']) {
    await client.users.create({ username, password: PASSWORD })
  }
  await client.users.setRole({ user: 'root', role: 'admin' })

  // Create a session and a key in the past, so that they have expired.
  clockOffsetMs = -40 * 24 * 60 * 60 * 1_000
  const expiredSession = await tokenOf(client, 'bob')
  const expiresAt = new Date(Date.now() + clockOffsetMs + 60_000)
  const expiredKey = await client.keys.create({
    name: 'expired',
    scopes: ['read', 'write', 'admin'],
    expiresAt,
  })
  clockOffsetMs = 0
  const endedSession = await tokenOf(client, 'bob')
  await createClient({ url, token: endedSession }).sessions.end()
  const disabledSession = await tokenOf(client, 'zoe')
  await client.users.setDisabled({ user: 'zoe', disabled: true })
  const revokedKey = await client.keys.create({ name: 'revoked', scopes: ['read', 'write', 'admin'] })
  await client.keys.revoke({ keyId: revokedKey.id })

  const resources = await createResources(server)
  const keys: Partial<Record<CallerName, Headers>> = {
    key: bearer(server.serviceKey),
    keyForOwner: { ...bearer(server.serviceKey), 'act-as': 'alice' },
  }
  for (const scope of ['read', 'write', 'admin'] as const) {
    keys[`${scope}Key`] = bearer((await client.keys.create({ name: scope, scopes: [scope] })).key)
  }
  keys.readKeyForOwner = { ...keys.readKey, 'act-as': 'alice' }

  const tokens = new Map<CallerName, string>()
  async function signIn(caller: keyof typeof usernames): Promise<void> {
    tokens.set(caller, await tokenOf(client, usernames[caller]))
  }
  for (const caller of Object.keys(usernames)) if (hasAccount(caller)) await signIn(caller)

  return {
    url,
    resources,
    headersOf(caller) {
      const token = tokens.get(caller)
      return token === undefined ? (keys[caller] ?? {}) : bearer(token)
    },
    idOf: async (caller) => (await client.users.get({ user: usernames[caller] })).id,
    invalid: {
      'an expired session': bearer(expiredSession),
      'an ended session': bearer(endedSession),
      'a session of a disabled user': bearer(disabledSession),
      'an expired key': bearer(expiredKey.key),
      'a revoked key': bearer(revokedKey.key),
      'a revoked key with Act-As': { ...bearer(revokedKey.key), 'act-as': 'alice' },
      'an unknown token': bearer('st_unknown'),
      'a wrong password': {
        authorization: `Basic ${Buffer.from('alice:wrong password').toString('base64')}`,
      },
    },
    async signInAgain(caller) {
      await signIn('owner')
      if (hasAccount(caller)) await signIn(caller)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function createResources({ client, url }: RunningServer): Promise<Resources> {
  const alice = client.as('alice')
  const { id: group } = await alice.conversations.create({
    name: 'G',
    participants: ['bob', 'carol', 'dave', 'erin'],
  })
  await alice.participants.set({ conversationId: group, user: 'erin', role: 'admin' })
  const newMessage = async () => (await alice.messages.send({ conversationId: group, text: 'hello' })).id
  await newMessage()
  await alice.participants.remove({ conversationId: group, user: 'carol' })
  const message = await newMessage()
  for (const to of ['alice', 'bob', 'dave']) await alice.messages.send({ to, text: 'hello' })
  await alice.blocks.add({ user: 'dave' })

  let count = 0
  const unique = () => `other${++count}`
  /** Deletes old webhooks, because their number is limited. Keeps two, because a batch needs both of its own. */
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
    newMessage,
    async session() {
      const own = createClient({ url, token: await tokenOf(client, 'alice') })
      for await (const { id, current } of own.sessions.list()) if (current) return id
      throw new Error('no current session')
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
  if (token === undefined) throw new Error('no token in the response')
  return token
}

function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` }
}

/** The callers in the order of the matrix. */
export const callerNames: readonly CallerName[] = callers
