import { contract, type ExampleCaller, type Procedure } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import { jsonOf, nextTotpCode, type RequestHeaders, totpCode } from '@sotto/testing/internal'

const { password: PASSWORD } = contract.sessions.create.example.input
const alice = contract.users.create.example.output
const bob = contract.users.get.example.output
const message = contract.messages.send.example.output
const group = contract.conversations.create.example.output
const {
  items: [session],
} = contract.sessions.list.example.output
const {
  items: [invitation],
} = contract.invitations.list.example.output
const key = contract.keys.create.example
const [act] = contract.audit.list.example.output.items
const webhook = contract.webhooks.create.example
const delivery = contract.webhooks.test.example.output
const JOINED = '2026-01-31T09:00:00.000Z'
const SENT = '2026-01-31T12:00:00.000Z'

export interface ExampleServer extends AsyncDisposable {
  server: TestServer
  headers(caller: ExampleCaller): RequestHeaders
  /** The example's input, with secrets the server issued replacing the made-up ones. */
  input: Record<string, unknown>
}

/**
 * Starts a server in the state right before this example: it has the users and data that the contract's examples
 * refer to, except what this example creates, and its clock shows the time in the example's output.
 */
export async function startExampleServer(
  using: 'sqlite' | 'postgres',
  entry: Procedure,
): Promise<ExampleServer> {
  const { http, example } = entry
  const output = jsonOf(example.output)
  const createdId = http.status === 201 && isRecord(output) ? output.id : undefined
  // Setup examples run before any user exists.
  const isSetup = http.path.startsWith('/v1/setup')
  const server = await createTestServer({ using, settings: { webClient: isSetup }, time: JOINED })

  // Hashing a password takes longer than everything else, so only users who sign in have one.
  const passwordOf = (name: ExampleCaller) =>
    example.as === name || (example.as === 'nobody' && name === 'alice') ? { password: PASSWORD } : {}

  if (createdId !== alice.id && !isSetup) {
    server.giveIds(alice.id)
    await server.client.users.create({ ...contract.users.create.example.input, ...passwordOf('alice') })
    server.giveIds(bob.id)
    await server.client.users.create({ username: 'bob', displayName: 'Bob', ...passwordOf('bob') })
    const isInGroup = JSON.stringify([example.input, output]).includes(group.id)
    if (isInGroup && createdId !== group.id) {
      server.clock.set(SENT)
      server.giveIds(group.id)
      await server.as('alice').conversations.create(contract.conversations.create.example.input)
    }
    if (createdId !== message.id && !isInGroup) {
      server.clock.set(SENT)
      server.giveIds(message.conversationId, message.id)
      await server.as('alice').messages.send(contract.messages.send.example.input)
    }
    if (entry === contract.contacts.list) await server.as('alice').contacts.add({ user: 'bob' })
    if (entry === contract.blocks.list) await server.as('bob').blocks.add({ user: 'alice' })
  }

  if (createdId !== key.output.id && act) {
    server.clock.set(SENT)
    server.giveIds(key.output.id, act.id)
    await server.client.keys.create(key.input, { requestId: act.requestId ?? '' })
  }

  const tokens = await signIn(server, example.as)
  if (http.path.startsWith('/v1/invitations') && createdId !== invitation?.id) {
    server.giveIds(invitation?.id ?? '')
    await server.client.invitations.create(contract.invitations.create.example.input)
  }
  if (http.path.startsWith('/v1/webhooks') && createdId !== webhook.output.id) {
    server.giveIds(webhook.output.id)
    await server.client.webhooks.create(webhook.input)
    if (http.path.includes('{deliveryId}')) {
      server.giveIds(delivery.id)
      await server.client.webhooks.test({ webhookId: webhook.output.id })
    }
  }
  const input = await withRealSecrets(server, http.path, jsonOf(example.input))
  server.clock.set(isRecord(output) && 'expiresAt' in output ? SENT : (timesIn(output).sort().at(-1) ?? SENT))
  if (createdId === message.id) server.giveIds(message.conversationId, message.id)
  else if (typeof createdId === 'string') server.giveIds(createdId)

  return {
    server,
    headers: (caller) => tokens[caller] ?? {},
    input,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function signIn(
  server: TestServer,
  caller: ExampleCaller,
): Promise<Partial<Record<ExampleCaller, RequestHeaders>>> {
  if (caller === 'nobody') return {}
  if (caller === 'key') return { key: { authorization: `Bearer ${server.serviceKey}` } }
  server.giveIds(session?.id ?? '')
  const answer = await server.fetch('/v1/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': session?.userAgent ?? '' },
    body: JSON.stringify({ username: caller, password: PASSWORD }),
  })
  const { token } = (await answer.json()) as { token: string }
  return { [caller]: { authorization: `Bearer ${token}` } }
}

/** Makes the server issue the secret that the operation uses or removes. */
async function withRealSecrets(
  server: TestServer,
  path: string,
  input: unknown,
): Promise<Record<string, unknown>> {
  if (!isRecord(input)) throw new Error('the input of an operation must be an object')
  const { client } = server
  switch (path) {
    case '/v1/setup/admin':
    case '/v1/setup/demo':
      return { ...input, token: server.setupToken }
    case '/v1/password-resets':
      return { ...input, token: (await client.passwords.issueReset({ user: 'alice' })).token }
    case '/v1/me/totp/confirm':
      return { ...input, code: totpCode(await startTotp(server), server.clock.now()) }
    case '/v1/me/totp/disable':
      return { ...input, code: nextTotpCode(await turnOnTotp(server), server.clock.now()) }
    case '/v1/users/{user}/totp':
      await turnOnTotp(server)
      return input
    default:
      return input
  }
}

async function startTotp(server: TestServer): Promise<string> {
  return (await server.as('alice').totp.start()).secret
}

async function turnOnTotp(server: TestServer): Promise<string> {
  const secret = await startTotp(server)
  await server.as('alice').totp.confirm({ code: totpCode(secret, server.clock.now()) })
  return secret
}

function timesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(timesIn)
  // `expiresAt` is in the future.
  if (isRecord(value))
    return Object.entries(value).flatMap(([key, inner]) => (key === 'expiresAt' ? [] : timesIn(inner)))
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? [value] : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
