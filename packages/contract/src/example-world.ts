/**
 * The small world that every example speaks of, so that the examples fit together in the OpenAPI document, in
 * the docs and in the tests, which build this very world.
 */
import type { AuditEntry } from './audit.ts'
import type { Conversation } from './conversations.ts'
import type { ServiceKey } from './keys.ts'
import type { Message } from './messages.ts'
import type { PublicUser, User } from './users.ts'

const joined = new Date('2026-01-31T09:00:00.000Z')
const sent = new Date('2026-01-31T12:00:00.000Z')

/** When alice logged in, and for how long. */
export const exampleLogIn = { at: sent, expiresAt: new Date('2026-03-02T12:00:00.000Z') } as const

export const exampleIds = {
  alice: '019c13a0-0000-7000-8000-00000000000a',
  bob: '019c13a0-0000-7000-8000-00000000000b',
  ada: '019c13a0-0000-7000-8000-00000000000c',
  conversation: '019c13a0-0000-7000-8000-0000000000c1',
  message: '019c13a0-0000-7000-8000-0000000000d1',
  group: '019c13a0-0000-7000-8000-0000000000c2',
  key: '019c13a0-0000-7000-8000-0000000000e1',
  act: '019c13a0-0000-7000-8000-0000000000f1',
  session: '019c13a0-0000-7000-8000-0000000000e2',
  invitation: '019c13a0-0000-7000-8000-0000000000e3',
  webhook: '019c13a0-0000-7000-8000-0000000000e4',
  delivery: '019c13a0-0000-7000-8000-0000000000e5',
} as const

/** Stand for secrets, which are others each time. */
export const exampleSecrets = {
  session: 'st_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  invitation: 'in_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  setup: 'su_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  passwordReset: 'pr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  totpCode: '492039',
  webhook: 'whsec_3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
} as const

export const exampleAlice: PublicUser = {
  id: exampleIds.alice,
  username: 'alice',
  displayName: 'Alice',
  firstName: null,
  lastName: null,
  avatarUrl: null,
  createdAt: joined,
  updatedAt: joined,
}

export const exampleBob: PublicUser = {
  ...exampleAlice,
  id: exampleIds.bob,
  username: 'bob',
  displayName: 'Bob',
}

/** As alice herself and a bare key see her. */
export const exampleAliceWithEmail: User = { ...exampleAlice, email: 'alice@example.com' }

/** As bob, who received it, sees it: clientMessageId is its sender's alone. */
export const exampleMessage: Message = {
  id: exampleIds.message,
  conversationId: exampleIds.conversation,
  seq: 1,
  senderId: exampleIds.alice,
  sender: 'alice',
  kind: 'text',
  text: 'Hello, Bob!',
  image: null,
  video: null,
  clientMessageId: null,
  createdAt: sent,
  editedAt: null,
  deletedAt: null,
  deliveredAt: null,
  readAt: null,
  reactions: [],
}

/** As bob sees it. */
export const exampleConversation: Conversation = {
  id: exampleIds.conversation,
  kind: 'direct',
  name: null,
  participants: [
    { user: exampleAlice, role: 'member' },
    { user: exampleBob, role: 'member' },
  ],
  participantCount: 2,
  lastMessage: exampleMessage,
  lastSeq: 1,
  readSeq: 0,
  unreadCount: 1,
  createdAt: sent,
  updatedAt: sent,
}

/** As both see it, right after alice has made it. */
export const exampleGroup: Conversation = {
  id: exampleIds.group,
  kind: 'group',
  name: 'Weekend',
  participants: [
    { user: exampleAlice, role: 'owner' },
    { user: exampleBob, role: 'member' },
  ],
  participantCount: 2,
  lastMessage: null,
  lastSeq: 0,
  readSeq: 0,
  unreadCount: 0,
  createdAt: sent,
  updatedAt: sent,
}

export const exampleKey: ServiceKey = {
  id: exampleIds.key,
  name: 'reports',
  scopes: ['read'],
  createdAt: sent,
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
}

/** The making of exampleKey, by the key of the settings. */
export const exampleAct: AuditEntry = {
  id: exampleIds.act,
  at: sent,
  actorKind: 'key',
  actorId: 'environment',
  actingForId: null,
  action: 'key.created',
  subjectId: exampleIds.key,
  address: '127.0.0.1',
  requestId: '5b0c1c6e-3f0d-4a53-9d0b-6d1f2f0c7a11',
}
