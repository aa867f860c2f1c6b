import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-world.ts'
import { mutation, query } from './procedure.ts'
import {
  cursor,
  httpUrl,
  id,
  limit,
  listOf,
  newPassword,
  plainString,
  profileName,
  secretToken,
  timestamp,
  username,
  userRef,
  whole,
} from './values.ts'

const email = z
  .email('takes an email address')
  .max(254, 'takes at most 254 characters')
  .meta({ description: 'Shown only to the user and to a bare service key.' })

/** In the installation, not in a conversation. */
const userRoles = ['user', 'admin'] as const

export const publicUser = z
  .object({
    id,
    username: z.string(),
    displayName: z.string().nullable(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'PublicUser' })
/** A user as other users see them. */
export type PublicUser = z.output<typeof publicUser>

export const user = publicUser
  .extend({ email: z.string().nullable().optional() })
  .meta({ id: 'User', description: 'email is there only for the user and for a bare service key.' })
/** A user. `email` is there only for the user and for a bare service key. */
export type User = z.output<typeof user>

export const exampleAlice: PublicUser = {
  id: exampleIds.alice,
  username: 'alice',
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
    role: z.enum(userRoles).meta({ description: 'In the installation, not in a conversation.' }),
    disabled: z.boolean().meta({ description: 'Cannot log in.' }),
    secondFactor: z.boolean().meta({ description: 'Logs in with a code besides the password.' }),
  })
  .meta({ id: 'Account', description: 'A user as they themselves and admins see them.' })
/** A user as they themselves and admins see them. */
export type Account = z.output<typeof account>

const profile = {
  displayName: profileName('The name to show.'),
  firstName: profileName('The given name.'),
  lastName: profileName('The family name.'),
  email,
  avatarUrl: httpUrl,
}

export const users = {
  create: mutation({
    summary: 'Create a user',
    description:
      'With a service key, or by anyone when sign-up is open, or with an invitation where it needs one (a password is then required). A user without a password can only be acted for by a service key.',
    access: 'anyone',
    // It hashes a password.
    limit: 'logins',
    errors: ['FORBIDDEN', 'USERNAME_TAKEN', 'EMAIL_TAKEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/users', status: 201 },
    input: z.strictObject({
      username,
      password: newPassword.optional(),
      invitation: secretToken
        .optional()
        .meta({ description: 'The token of an invitation, which is used by this.' }),
      displayName: profile.displayName.optional(),
      firstName: profile.firstName.optional(),
      lastName: profile.lastName.optional(),
      email: profile.email.optional(),
      avatarUrl: profile.avatarUrl.optional(),
    }),
    output: user,
    example: {
      as: 'key',
      // The password is the one that the example of sessions.create logs in with.
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
    description: 'By username, ascending.',
    access: 'caller',
    errors: ['INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users', status: 200 },
    input: z.strictObject({
      q: plainString
        .min(1, 'takes 1 to 128 characters')
        .max(128, 'takes 1 to 128 characters')
        .optional()
        .meta({ description: 'The username or the displayName begins with it, case aside.' }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(user),
    example: { as: 'alice', input: { q: 'bo' }, output: { items: [exampleBob], nextCursor: null } },
  }),
  get: query({
    summary: 'Get a user',
    access: 'caller',
    errors: ['USER_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/users/{user}', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: user,
    example: { as: 'alice', input: { user: 'bob' }, output: exampleBob },
  }),
  update: mutation({
    summary: "Change a user's profile",
    description: 'With a bare service key, or by the user. What is left out stays; null empties a field.',
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'EMAIL_TAKEN'],
    idempotent: true,
    http: { method: 'PATCH', path: '/v1/users/{user}', status: 200 },
    input: z.strictObject({
      user: userRef,
      displayName: profile.displayName.nullable().optional(),
      firstName: profile.firstName.nullable().optional(),
      lastName: profile.lastName.nullable().optional(),
      email: profile.email.nullable().optional(),
      avatarUrl: profile.avatarUrl.nullable().optional(),
    }),
    output: user,
    example: {
      as: 'alice',
      input: { user: 'alice', displayName: 'Alice' },
      output: exampleAliceWithEmail,
    },
  }),
  correspondents: query({
    summary: 'List who has exchanged direct messages with a user',
    description:
      'One item for each other user, latest message first. The counts are of messages ever sent, deleted ones included.',
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/correspondents', status: 200 },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(
      z
        .object({
          user: publicUser,
          lastMessageAt: timestamp,
          sentCount: whole.meta({ description: 'Messages from the named user to this one.' }),
          receivedCount: whole.meta({ description: 'Messages from this one to the named user.' }),
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
    summary: 'See whether a user is online',
    description:
      'Online is who has a stream open. Told to those who share a conversation with the user, unless one of the two has blocked the other; to others the user was never seen.',
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
    summary: 'Who am I',
    description: 'The user whom the request acts for.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
    http: { method: 'GET', path: '/v1/me', status: 200 },
    input: z.strictObject({}),
    output: account,
    example: {
      as: 'alice',
      input: {},
      output: { ...exampleAliceWithEmail, role: 'user', disabled: false, secondFactor: false },
    },
  }),
  account: query({
    summary: "See a user's account",
    description: 'Role, whether the user is disabled, and whether there is a second factor.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    http: { method: 'GET', path: '/v1/users/{user}/account', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: account,
    example: {
      as: 'key',
      input: { user: 'bob' },
      output: { ...exampleBob, email: null, role: 'user', disabled: false, secondFactor: false },
    },
  }),
  setRole: mutation({
    summary: 'Make a user an admin, or no longer one',
    description:
      'An admin may do what is for admins. In conversations they have the rights of every user; they can look into all of them, which the audit tells, and export what there is of a user.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/users/{user}/role', status: 200 },
    input: z.strictObject({ user: userRef, role: z.enum(userRoles) }),
    output: account,
    example: {
      as: 'key',
      input: { user: 'alice', role: 'admin' },
      output: { ...exampleAliceWithEmail, role: 'admin', disabled: false, secondFactor: false },
    },
  }),
  setDisabled: mutation({
    summary: 'Disable a user, or enable them again',
    description:
      'A disabled user cannot log in, and what they are logged in with ends within two seconds. Everything they said stays; enabled again, they go on with the sessions they had.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/users/{user}/disabled', status: 200 },
    input: z.strictObject({ user: userRef, disabled: z.boolean() }),
    output: account,
    example: {
      as: 'key',
      input: { user: 'bob', disabled: true },
      output: { ...exampleBob, email: null, role: 'user', disabled: true, secondFactor: false },
    },
  }),
}
