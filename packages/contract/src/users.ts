import { z } from 'zod'
import { email } from './email.ts'
import { exampleIds, exampleTimes } from './example-data.ts'
import { mutation, query } from './procedure.ts'
import {
  cursor,
  externalId,
  externalUserRef,
  httpUrl,
  id,
  integer,
  limit,
  listOf,
  newPassword,
  plainString,
  profileName,
  secretToken,
  timestamp,
  username,
  userRef,
} from './values.ts'

/** The roles in the installation, not in a conversation. */
const userRoles = ['user', 'admin'] as const

export const publicUser = z
  .object({
    id,
    username: z.string(),
    externalId: z.string().nullable().meta({
      description: "The user's id in your own system. Null for users who are not from there.",
    }),
    displayName: z.string().nullable(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'PublicUser' })
/** A user as seen by other users. */
export type PublicUser = z.output<typeof publicUser>

export const user = publicUser
  .extend({ email: z.string().nullable().optional() })
  .meta({ id: 'User', description: 'email is returned only to the user and to a bare key.' })
/** A user. `email` is returned only to the user and to a bare key. */
export type User = z.output<typeof user>

export const exampleAlice: PublicUser = {
  id: exampleIds.alice,
  username: 'alice',
  externalId: null,
  displayName: 'Alice',
  firstName: null,
  lastName: null,
  avatarUrl: null,
  createdAt: exampleTimes.joined,
  updatedAt: exampleTimes.joined,
}

export const exampleBob: PublicUser = {
  ...exampleAlice,
  id: exampleIds.bob,
  username: 'bob',
  displayName: 'Bob',
}

/** As alice herself and a bare key see her. */
export const exampleAliceWithEmail: User = { ...exampleAlice, email: 'alice@example.com' }

export const account = user
  .extend({
    role: z.enum(userRoles).meta({ description: 'The role in the installation, not in a conversation.' }),
    disabled: z.boolean().meta({ description: 'Whether the user is prevented from signing in.' }),
    secondFactor: z.boolean().meta({ description: 'Whether two-factor authentication is on.' }),
    lastWrongCodeAt: timestamp.nullable().meta({
      description:
        'When a wrong two-factor code was last entered, or null. Only someone with the password or a session can enter one.',
    }),
  })
  .meta({ id: 'Account', description: 'A user as seen by themselves and by admins.' })
/** A user as seen by themselves and by admins. */
export type Account = z.output<typeof account>

const profile = {
  displayName: profileName('The name shown to other users.'),
  firstName: profileName('The given name.'),
  lastName: profileName('The family name.'),
  email,
  avatarUrl: httpUrl,
}

const profileChange = {
  displayName: profile.displayName.nullable().optional(),
  firstName: profile.firstName.nullable().optional(),
  lastName: profile.lastName.nullable().optional(),
  email: profile.email.nullable().optional(),
  avatarUrl: profile.avatarUrl.nullable().optional(),
}

export const users = {
  create: mutation({
    summary: 'Create a user',
    description:
      'Requires a service key, unless sign-up is open or the caller has an invitation; then a password is required. A user without a password cannot sign in, but a service key can act for them. To set a password or an external id, a key needs the scopes `read` and `write`, because a user who signs in can do both.',
    access: 'anyone',
    // Hashes a password.
    limit: 'logins',
    errors: ['FORBIDDEN', 'USERNAME_TAKEN', 'EXTERNAL_ID_TAKEN', 'EMAIL_TAKEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/users', status: 201 },
    input: z.strictObject({
      username,
      externalId: externalId.optional().meta({
        description:
          "The user's id in your own system. Unique. Compared exactly, including case. Only for bare keys.",
      }),
      password: newPassword.optional(),
      invitation: secretToken
        .optional()
        .meta({ description: 'An invitation token. Counts as one use of the invitation.' }),
      displayName: profile.displayName.optional(),
      firstName: profile.firstName.optional(),
      lastName: profile.lastName.optional(),
      email: profile.email.optional(),
      avatarUrl: profile.avatarUrl.optional(),
    }),
    output: user,
    example: {
      as: 'key',
      // The example of sessions.create signs in with this password.
      input: {
        username: 'alice',
        password: 'correct horse battery staple',
        displayName: 'Alice',
        email: 'alice@example.com',
      },
      output: exampleAliceWithEmail,
    },
  }),
  list: query({
    summary: 'List users',
    description: 'Sorted by username.',
    access: 'caller',
    errors: ['INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users', status: 200 },
    input: z.strictObject({
      q: plainString
        .min(1, 'must be 1 to 128 characters')
        .max(128, 'must be 1 to 128 characters')
        .optional()
        .meta({
          description:
            'Only users whose username or displayName starts with this, ignoring case and Unicode form.',
        }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(user),
    example: { as: 'alice', input: { q: 'bo' }, output: { items: [exampleBob], nextCursor: null } },
  }),
  get: query({
    summary: 'Get a user',
    description: 'The public profile. `email` is null unless the caller is the user or a bare key.',
    access: 'caller',
    errors: ['USER_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/users/{user}', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: user,
    example: { as: 'alice', input: { user: 'bob' }, output: exampleBob },
  }),
  update: mutation({
    summary: "Update a user's profile",
    description:
      'Fields that are omitted keep their value; null clears a field. FORBIDDEN unless the caller is the user or a bare key. Only a bare key can change externalId. Signed tokens identify users by it, so setting it also requires the scope `read`, and all scopes for an admin.',
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'EXTERNAL_ID_TAKEN', 'EMAIL_TAKEN'],
    idempotent: true,
    http: { method: 'PATCH', path: '/v1/users/{user}', status: 200 },
    input: z.strictObject({
      user: userRef,
      ...profileChange,
      externalId: externalId.nullable().optional(),
    }),
    output: user,
    example: {
      as: 'alice',
      input: { user: 'alice', displayName: 'Alice' },
      output: exampleAliceWithEmail,
    },
  }),
  put: mutation({
    summary: 'Create or update a user by external id',
    description:
      'For keeping users in step with your own system: creates the user if no user has this external id, and otherwise updates the given fields, as PATCH does. Without `username`, one is made from the external id. The username of an existing user cannot be changed. An existing user whose username equals the external id exactly, and who has neither a password nor an external id, is the same user and gets the external id. Requires a bare key.',
    access: 'caller',
    extraScopes: ['read'],
    errors: ['FORBIDDEN', 'USERNAME_TAKEN', 'EMAIL_TAKEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/users/{user}', status: 201, repeatedStatus: 200 },
    input: z.strictObject({
      user: externalUserRef,
      username: username.optional(),
      ...profileChange,
    }),
    output: user,
    example: {
      as: 'key',
      input: { user: 'ext:auth0|5f7c8ec7c33c6c004bbafe82', username: 'carol', displayName: 'Carol' },
      output: {
        ...exampleAlice,
        id: exampleIds.carol,
        username: 'carol',
        externalId: 'auth0|5f7c8ec7c33c6c004bbafe82',
        displayName: 'Carol',
        email: null,
      },
    },
  }),
  correspondents: query({
    summary: "List a user's correspondents",
    description:
      "Users who have exchanged direct messages with this user, most recent message first. The counts include deleted messages. A user who sends or receives a message while you read the pages moves to the first page: read it again at the end, as the SDK's loops do.",
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/correspondents', status: 200 },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(
      z
        .object({
          user: publicUser,
          lastMessageAt: timestamp,
          sentCount: integer.meta({
            description: 'Messages sent to this correspondent.',
          }),
          receivedCount: integer.meta({
            description: 'Messages received from this correspondent.',
          }),
        })
        .meta({ id: 'Correspondent' }),
    ),
    example: {
      as: 'bob',
      input: { user: 'bob' },
      output: {
        items: [
          {
            user: exampleAlice,
            lastMessageAt: new Date('2026-01-31T12:00:00.000Z'),
            sentCount: 0,
            receivedCount: 1,
          },
        ],
        nextCursor: null,
      },
    },
  }),
  presence: query({
    summary: "Get a user's presence",
    description:
      'A user is online while they have a stream open. Visible to users who share a conversation with them, unless either has blocked the other. To everyone else they appear offline and never seen.',
    access: 'caller',
    errors: ['USER_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/users/{user}/presence', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: z
      .object({ userId: id, online: z.boolean(), lastSeenAt: timestamp.nullable() })
      .meta({ id: 'Presence' }),
    example: {
      as: 'bob',
      input: { user: 'alice' },
      output: { userId: exampleAlice.id, online: false, lastSeenAt: null },
    },
  }),
  me: query({
    summary: 'Get the current user',
    description: 'The user on whose behalf the request is made.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
    http: { method: 'GET', path: '/v1/me', status: 200 },
    input: z.strictObject({}),
    output: account,
    example: {
      as: 'alice',
      input: {},
      output: {
        ...exampleAliceWithEmail,
        role: 'user',
        disabled: false,
        secondFactor: false,
        lastWrongCodeAt: null,
      },
    },
  }),
  account: query({
    summary: "Get a user's account",
    description: 'Includes the role, and whether the user is disabled and has two-factor authentication on.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    http: { method: 'GET', path: '/v1/users/{user}/account', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: account,
    example: {
      as: 'key',
      input: { user: 'bob' },
      output: {
        ...exampleBob,
        email: null,
        role: 'user',
        disabled: false,
        secondFactor: false,
        lastWrongCodeAt: null,
      },
    },
  }),
  setRole: mutation({
    summary: "Set a user's role",
    description:
      'Admins can call admin operations. In conversations they have the same rights as other users, but they can inspect any conversation, which is recorded in the audit log, and export the data of any user. To make a user an admin, a key needs all scopes.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/users/{user}/role', status: 200 },
    input: z.strictObject({ user: userRef, role: z.enum(userRoles) }),
    output: account,
    example: {
      as: 'key',
      input: { user: 'alice', role: 'admin' },
      output: {
        ...exampleAliceWithEmail,
        role: 'admin',
        disabled: false,
        secondFactor: false,
        lastWrongCodeAt: null,
      },
    },
  }),
  setDisabled: mutation({
    summary: 'Disable or enable a user',
    description:
      'A disabled user cannot sign in, and their sessions stop working within two seconds. Their messages remain. Once enabled again, their sessions work again.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/users/{user}/disabled', status: 200 },
    input: z.strictObject({ user: userRef, disabled: z.boolean() }),
    output: account,
    example: {
      as: 'key',
      input: { user: 'bob', disabled: true },
      output: {
        ...exampleBob,
        email: null,
        role: 'user',
        disabled: true,
        secondFactor: false,
        lastWrongCodeAt: null,
      },
    },
  }),
}
