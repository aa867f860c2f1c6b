import { z } from 'zod'
import { exampleIds, exampleSecrets, exampleSignIn } from './example-data.ts'
import { mutation, query } from './procedure.ts'
import { cursor, id, idRef, integer, limit, listOf, timestamp, wholeNumber } from './values.ts'

const MAX_USES = 10_000
const HOURS_PER_YEAR = 8_760
const HOURS_PER_WEEK = 168

const invitation = z
  .object({
    id,
    uses: integer.meta({ description: 'How many users have signed up with it.' }),
    maxUses: integer,
    createdAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'Invitation' })
export type Invitation = z.output<typeof invitation>

const exampleInvitation: Invitation = {
  id: exampleIds.invitation,
  uses: 0,
  maxUses: 5,
  createdAt: exampleSignIn.at,
  expiresAt: new Date('2026-02-03T12:00:00.000Z'),
}

export const invitations = {
  create: mutation({
    summary: 'Create an invitation',
    description:
      'Returns a token, which is shown only once. It lets someone sign up if SOTTO_SIGNUP is `invitation`. A key needs all scopes, because a user who signs up can read and write.',
    access: 'admin',
    extraScopes: ['read', 'write'],
    grantsAccess: true,
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/invitations', status: 201 },
    input: z.strictObject({
      maxUses: wholeNumber(1, MAX_USES)
        .default(1)
        .meta({ description: 'How many users can sign up with it.' }),
      expiresInHours: wholeNumber(1, HOURS_PER_YEAR)
        .default(HOURS_PER_WEEK)
        .meta({ description: 'How long the invitation is valid, in hours.' }),
    }),
    output: invitation.extend({ token: z.string() }).meta({ id: 'NewInvitation' }),
    example: {
      as: 'key',
      input: { maxUses: 5, expiresInHours: 72 },
      output: { ...exampleInvitation, token: exampleSecrets.invitation },
    },
  }),
  list: query({
    summary: 'List invitations',
    description: 'Newest first, including used and expired ones, without their tokens.',
    access: 'admin',
    errors: ['FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/invitations', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(invitation),
    example: { as: 'key', input: {}, output: { items: [exampleInvitation], nextCursor: null } },
  }),
  revoke: mutation({
    summary: 'Revoke an invitation',
    description: 'Users who have signed up with it are not affected.',
    access: 'admin',
    errors: ['FORBIDDEN', 'INVITATION_NOT_FOUND'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/invitations/{invitationId}', status: 204 },
    input: z.strictObject({ invitationId: idRef }),
    output: z.void(),
    example: { as: 'key', input: { invitationId: exampleIds.invitation }, output: undefined },
  }),
}
