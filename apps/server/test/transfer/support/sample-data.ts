import { createClient, type SottoClient } from '@sotto/sdk'
import { type StartedServer, totpCode } from '@sotto/testing/internal'

const SERVICE_KEY = 'sk_of_a_transfer'

/** The settings that the sample data needs. */
export const sampleSettings = {
  SOTTO_SERVICE_KEY: SERVICE_KEY,
  SOTTO_SECRET: 'a secret of at least 32 characters',
  SOTTO_MESSAGE_RETENTION_DAYS: '365',
}

export interface SampleData {
  /** Alice's session token. */
  token: string
  /** Bob's event cursor after everything below. */
  cursor: string
  key: string
  totpSecret: string
}

/** Uses the API to create rows in every table. */
export async function createSampleData({ url }: StartedServer): Promise<SampleData> {
  const admin = createClient({ url, token: SERVICE_KEY })
  for (const username of ['alice', 'bob', 'carol', 'dave', 'erin']) {
    await admin.users.create({
      username,
      password: 'correct horse',
      externalId: `host|${username}, "✨" \\ \u0001`,
      displayName: `${username} ✨ "quoted" \\ \u200d`,
      email: `${username}@example.com`,
    })
  }
  const alice = admin.as('alice')
  const bob = admin.as('bob')
  await createMessages(alice, bob)
  await createGroup(alice, admin.as('carol'))
  await alice.contacts.add({ user: 'bob' })
  await bob.contacts.add({ user: 'alice' })
  await alice.blocks.add({ user: 'erin' })
  await admin.passwords.issueReset({ user: 'bob' })
  await admin.invitations.create({ maxUses: 3 })
  const { key } = await admin.keys.create({ name: 'reports', scopes: ['read'] })
  const { id: webhookId } = await admin.webhooks.create({ url: 'https://hooks.example/of-a-transfer' })
  await admin.webhooks.test({ webhookId })
  await admin.webhooks.rotateSecret({ webhookId })
  await admin.users.erase({ user: 'dave' })

  // Fills the table of daily statistics.
  await admin.stats.get()

  const { token = '' } = await admin.sessions.create({ username: 'alice', password: 'correct horse' })
  const { secret } = await createClient({ url, token }).totp.start()
  await createClient({ url, token }).totp.confirm({ code: totpCode(secret, new Date()) })
  const { cursor } = await bob.events.pull({})
  return { token, cursor, key, totpSecret: secret }
}

async function createMessages(alice: SottoClient, bob: SottoClient): Promise<void> {
  const first = await alice.messages.send({
    to: 'bob',
    text: 'line\nfeed, tab\t, \u2028, 😀, é, {"json": [1]}',
  })
  const image = { url: 'https://example.com/1.png', width: 640, height: 480, alt: 'a "picture"' }
  await bob.messages.send({ to: 'alice', kind: 'image', image, clientMessageId: 'one' })
  await bob.messages.send({
    to: 'alice',
    kind: 'video',
    video: { url: 'https://youtu.be/dQw4w9WgXcQ', durationSeconds: 212 },
  })
  const wrong = await alice.messages.send({ to: 'bob', text: 'helo' })
  await alice.messages.edit({ messageId: wrong.id, text: 'hello' })
  await alice.messages.edit({ messageId: wrong.id, text: 'hello!' })
  for (const emoji of ['👍', '❤️', '👩‍👩‍👧']) await bob.messages.react({ messageId: first.id, emoji })
  await alice.messages.react({ messageId: first.id, emoji: '👍' })
  const gone = await bob.messages.send({ to: 'alice', text: 'never mind' })
  await bob.messages.delete({ messageId: gone.id })
  await bob.conversations.read({ conversationId: first.conversationId, seq: 3 })
}

/** Carol leaves and rejoins, so she cannot see the message in between. */
async function createGroup(alice: SottoClient, carol: SottoClient): Promise<void> {
  const { id: conversationId } = await alice.conversations.create({
    name: 'Weekend',
    participants: ['bob', 'carol'],
  })
  await alice.messages.send({ conversationId, text: 'who is in?' })
  await carol.participants.remove({ conversationId, user: 'carol' })
  await alice.conversations.update({ conversationId, name: 'Renamed after carol left' })
  await alice.messages.send({ conversationId, text: 'without carol' })
  await alice.participants.set({ conversationId, user: 'carol', role: 'admin' })
  await carol.messages.send({ conversationId, text: 'back' })
}
