import type { Contract } from '@sotto/contract'

/*
 * Who can call what: one row per operation, one column per caller. Does not compile if an operation of the contract
 * has no row. The inputs refer to what alice owns: her account, a group that she created, and her messages there.
 *
 *   ok  allowed      U  UNAUTHENTICATED    F  FORBIDDEN    A  ACTOR_REQUIRED
 *   N   not found    I  INVALID_INPUT, so the caller is allowed
 */

export const callers = [
  'anonymous',
  /** Shares nothing with alice. */
  'stranger',
  /** A member of the group, with a direct conversation with alice. */
  'participant',
  /** A former member of the group, removed before `Resources.message` was sent. */
  'former',
  /** A member of the group whom alice has blocked, with an earlier direct conversation. */
  'blocked',
  /** Alice. */
  'owner',
  /** An admin of the group. */
  'groupAdmin',
  /** An admin who shares nothing with alice. */
  'admin',
  /** Bare keys: with all scopes, and with one scope each. */
  'key',
  'readKey',
  'writeKey',
  'adminKey',
  /** Service keys that act for alice: with all scopes, and with the scope read. */
  'keyForOwner',
  'readKeyForOwner',
] as const
export type CallerName = (typeof callers)[number]

/** Resources of alice, and other users that calls refer to. Functions create a new one for each call. */
export interface Resources {
  password: string
  group: string
  /** A message of alice in the group, sent after the former member was removed. */
  message: string
  unique(): string
  /** A new user. */
  user(): Promise<string>
  /** A new member of the group. */
  member(): Promise<string>
  /** A new message of alice in the group. */
  newMessage(): Promise<string>
  /** A new session of alice. */
  session(): Promise<string>
  invitation(): Promise<string>
  key(): Promise<string>
  webhook(): Promise<string>
  delivery(): Promise<{ webhookId: string; deliveryId: string }>
}

export type OperationName = {
  [Resource in keyof Contract]: `${Resource}.${keyof Contract[Resource] & string}`
}[keyof Contract]

export interface Row {
  /** A code for each caller, in the order above. */
  codes: string
  /** Creates the input of a call. Called for each call, because calls change resources. */
  input?: (resources: Resources) => object | Promise<object>
  /** The call ends the caller's session, so the caller must sign in again. */
  endsSessions?: true
}

const query = 'U ok ok ok ok ok ok ok  ok ok F F  ok ok'
const ownQuery = 'U ok ok ok ok ok ok ok  A A F F  ok ok'
const ownMutation = 'U ok ok ok ok ok ok ok  A F A F  ok F'
const forAdmins = 'U F F F F F F ok  ok F F ok  F F'
/** A key needs another scope besides `admin`. */
const forAdminsAndFullKeys = 'U F F F F F F ok  ok F F F  F F'
const inGroup = {
  query: 'U N ok N ok ok ok N  ok ok F F  ok ok',
  mutation: 'U N ok N ok ok ok N  A F A F  ok F',
}
const byGroupAdmin = 'U N F N F ok ok N  ok F ok F  ok F'
const bySender = 'U N F N F ok F N  A F A F  ok F'
const alice = () => ({ user: 'alice' })

export const matrix: Record<OperationName, Row> = {
  //                            anonymous stranger participant former blocked owner groupAdmin admin
  //                            key readKey writeKey adminKey  keyForOwner readKeyForOwner
  'setup.get': { codes: 'ok ok ok ok ok ok ok ok  ok ok F F  ok ok' },
  'setup.openDemo': { codes: 'I I I I I I I I  I F I F  I F', input: () => ({ token: 'su_unknown' }) },
  'setup.createAdmin': {
    codes: 'I I I I I I I I  I F I F  I F',
    input: ({ password, unique }) => ({ token: 'su_unknown', username: unique(), password }),
  },
  'users.create': {
    codes: 'U F F F F F F F  ok F ok F  F F',
    input: ({ unique }) => ({ username: unique() }),
  },
  'users.list': { codes: query },
  'users.get': { codes: query, input: alice },
  'users.update': {
    codes: 'U F F F F ok F F  ok F ok F  ok F',
    input: () => ({ user: 'alice', displayName: 'Alice' }),
  },
  'users.put': {
    codes: 'U F F F F F F F  ok F F F  F F',
    input: ({ unique }) => ({ user: `ext:${unique()}` }),
  },
  'users.correspondents': { codes: 'U F F F F ok F F  ok ok F F  ok ok', input: alice },
  'users.presence': { codes: query, input: alice },
  'users.me': { codes: ownQuery },
  'users.account': { codes: forAdmins, input: alice },
  'users.setRole': { codes: forAdmins, input: () => ({ user: 'frank', role: 'user' }) },
  'users.setDisabled': { codes: forAdmins, input: () => ({ user: 'frank', disabled: false }) },

  'users.erase': {
    codes: 'U F F F F F F ok  ok F ok F  F F',
    input: async ({ user }) => ({ user: await user() }),
  },
  'users.export': { codes: 'U F F F F ok F ok  ok ok F F  ok ok', input: alice },

  'sessions.create': {
    codes: 'ok ok ok ok ok ok ok ok  ok F ok F  ok F',
    input: ({ password }) => ({ username: 'alice', password }),
  },
  'sessions.list': { codes: ownQuery },
  'sessions.end': { codes: ownMutation, endsSessions: true },
  'sessions.revoke': {
    codes: 'U N N N N ok N N  A F A F  ok F',
    input: async ({ session }) => ({ sessionId: await session() }),
  },

  'sessions.listOf': { codes: forAdmins, input: alice },
  'sessions.endAllOf': { codes: forAdmins, input: () => ({ user: 'frank' }) },

  'passwords.set': {
    codes: 'U F F F F ok F F  ok F F F  ok F',
    input: ({ password }) => ({ user: 'alice', currentPassword: password, newPassword: password }),
    endsSessions: true,
  },
  'passwords.issueReset': { codes: forAdminsAndFullKeys, input: () => ({ user: 'frank' }) },
  'passwords.reset': {
    codes: 'I I I I I I I I  I F I F  I F',
    input: ({ password }) => ({ token: 'pr_unknown', newPassword: password }),
  },
  'totp.start': { codes: 'U ok ok ok ok ok ok ok  A F F F  ok F' },
  'totp.confirm': { codes: 'U I I I I I I I  A F F F  I F', input: () => ({ code: '000000' }) },
  'totp.disable': { codes: 'U I I I I I I I  A F F F  I F', input: () => ({ code: '000000' }) },
  'totp.remove': { codes: forAdminsAndFullKeys, input: () => ({ user: 'frank' }) },
  'invitations.create': { codes: forAdminsAndFullKeys },
  'invitations.list': { codes: forAdmins },
  'invitations.revoke': {
    codes: forAdmins,
    input: async ({ invitation }) => ({ invitationId: await invitation() }),
  },

  'messages.send': {
    codes: inGroup.mutation,
    input: ({ group }) => ({ conversationId: group, text: 'hello' }),
  },
  'messages.list': { codes: query },
  'messages.get': { codes: inGroup.query, input: ({ message }) => ({ messageId: message }) },
  'messages.edit': {
    codes: bySender,
    input: ({ message }) => ({ messageId: message, text: 'hello again' }),
  },
  'messages.delete': {
    codes: bySender,
    input: async ({ newMessage }) => ({ messageId: await newMessage() }),
  },
  'messages.like': { codes: inGroup.mutation, input: ({ message }) => ({ messageId: message }) },
  'messages.unlike': { codes: inGroup.mutation, input: ({ message }) => ({ messageId: message }) },
  'messages.react': {
    codes: inGroup.mutation,
    input: ({ message }) => ({ messageId: message, emoji: '🎉' }),
  },
  'messages.unreact': {
    codes: inGroup.mutation,
    input: ({ message }) => ({ messageId: message, emoji: '🎉' }),
  },

  'conversations.list': { codes: ownQuery },
  'conversations.create': { codes: ownMutation, input: () => ({ name: 'G', participants: ['frank'] }) },
  'conversations.get': { codes: inGroup.query, input: ({ group }) => ({ conversationId: group }) },
  'conversations.update': {
    codes: byGroupAdmin,
    input: ({ group, unique }) => ({ conversationId: group, name: unique() }),
  },
  'conversations.receipts': { codes: inGroup.query, input: ({ group }) => ({ conversationId: group }) },
  'conversations.messages': {
    codes: 'U N ok ok ok ok ok N  ok ok F F  ok ok',
    input: ({ group }) => ({ conversationId: group }),
  },
  'conversations.read': {
    codes: inGroup.mutation,
    input: ({ group }) => ({ conversationId: group, seq: 1 }),
  },
  'conversations.typing': {
    codes: inGroup.mutation,
    input: ({ group }) => ({ conversationId: group, typing: true }),
  },
  'participants.list': { codes: inGroup.query, input: ({ group }) => ({ conversationId: group }) },
  'participants.set': {
    codes: byGroupAdmin,
    input: async ({ group, user }) => ({ conversationId: group, user: await user() }),
  },
  'participants.remove': {
    codes: byGroupAdmin,
    input: async ({ group, member }) => ({ conversationId: group, user: await member() }),
  },

  'direct.get': { codes: 'U N ok N ok ok N N  A A F F  ok ok', input: alice },
  'direct.messages': { codes: ownQuery, input: alice },
  'direct.send': {
    codes: 'U ok ok ok F ok ok ok  A F A F  ok F',
    input: () => ({ user: 'alice', text: 'hello' }),
  },
  'contacts.list': { codes: ownQuery },
  'contacts.add': { codes: 'U ok ok ok F I ok ok  A F A F  I F', input: alice },
  'contacts.remove': { codes: 'U ok ok ok ok I ok ok  A F A F  I F', input: alice },
  'blocks.list': { codes: ownQuery },
  'blocks.add': { codes: ownMutation, input: async ({ user }) => ({ user: await user() }) },
  'blocks.remove': { codes: ownMutation, input: () => ({ user: 'frank' }) },

  'events.stream': { codes: ownQuery },
  'events.watch': { codes: ownMutation, input: () => ({ streamId: 's', presence: ['alice'] }) },
  'events.pull': { codes: ownQuery },
  'keys.create': { codes: forAdmins, input: () => ({ name: 'other', scopes: ['admin'] }) },
  'keys.list': { codes: forAdmins },
  'keys.revoke': { codes: forAdmins, input: async ({ key }) => ({ keyId: await key() }) },
  'webhooks.create': {
    codes: forAdminsAndFullKeys,
    input: async ({ webhook }) => {
      // Deletes old webhooks, because their number is limited.
      await webhook()
      return { url: 'https://hooks.example/matrix' }
    },
  },
  'webhooks.list': { codes: forAdmins },
  'webhooks.get': { codes: forAdmins, input: async ({ webhook }) => ({ webhookId: await webhook() }) },
  'webhooks.update': {
    codes: forAdminsAndFullKeys,
    input: async ({ webhook }) => ({ webhookId: await webhook() }),
  },
  'webhooks.delete': { codes: forAdmins, input: async ({ webhook }) => ({ webhookId: await webhook() }) },
  'webhooks.rotateSecret': {
    codes: forAdmins,
    input: async ({ webhook }) => ({ webhookId: await webhook() }),
  },
  'webhooks.test': { codes: forAdmins, input: async ({ webhook }) => ({ webhookId: await webhook() }) },
  'webhooks.deliveries': {
    codes: forAdmins,
    input: async ({ webhook }) => ({ webhookId: await webhook() }),
  },
  'webhooks.retryDelivery': { codes: forAdmins, input: ({ delivery }) => delivery() },
  'audit.list': { codes: forAdmins },
  'inspection.conversations': { codes: forAdminsAndFullKeys, input: alice },
  'inspection.conversation': {
    codes: forAdminsAndFullKeys,
    input: ({ group }) => ({ conversationId: group }),
  },
  'inspection.messages': { codes: forAdminsAndFullKeys, input: ({ group }) => ({ conversationId: group }) },
  'stats.get': { codes: forAdmins },
  'stats.server': { codes: forAdmins },
  'settings.list': { codes: forAdmins },
}
