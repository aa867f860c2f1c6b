import { z } from 'zod'
import { exampleIds, exampleLogIn, exampleSecrets } from './example-world.ts'
import { mutation, query } from './procedure.ts'
import { cursor, id, idRef, limit, listOf, timestamp, whole } from './values.ts'

const MAX_USES = 10_000
const HOURS_A_YEAR = 8_760
/** A week. */
const DEFAULT_HOURS = 168

const invitation = z
  .object({
    id,
    uses: whole.meta({ description: 'How many have signed up with it.' }),
    maxUses: whole,
    createdAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'Invitation' })
export type Invitation = z.output<typeof invitation>

const exampleInvitation: Invitation = {
  id: exampleIds.invitation,
  uses: 0,
  maxUses: 5,
  createdAt: exampleLogIn.at,
  expiresAt: new Date('2026-02-03T12:00:00.000Z'),
}

export const invitations = {
  create: mutation({
    summary: 'Invite',
    description:
      'Answers a token, this once, with which somebody makes a user where SOTTO_SIGNUP is `invitation`.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/invitations', status: 201 },
    input: z.strictObject({
      maxUses: z
        .int('takes a whole number')
        .min(1, `takes 1 to ${MAX_USES}`)
        .max(MAX_USES, `takes 1 to ${MAX_USES}`)
        .default(1)
        .meta({ description: 'How many can sign up with it.' }),
      expiresInHours: z
        .int('takes a whole number')
        .min(1, `takes 1 to ${HOURS_A_YEAR}`)
        .max(HOURS_A_YEAR, `takes 1 to ${HOURS_A_YEAR}`)
        .default(DEFAULT_HOURS)
        .meta({ description: 'For how long it can be used.' }),
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
    description: 'Newest first, also those that are used up or have expired; never their tokens.',
    access: 'admin',
    errors: ['FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/invitations', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(invitation),
    example: { as: 'key', input: {}, output: { items: [exampleInvitation], nextCursor: null } },
  }),
  revoke: mutation({
    summary: 'Take an invitation back',
    description: 'Who has signed up with it stays.',
    access: 'admin',
    errors: ['FORBIDDEN', 'INVITATION_NOT_FOUND'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/invitations/{invitationId}', status: 204 },
    input: z.strictObject({ invitationId: idRef }),
    output: z.void(),
    example: { as: 'key', input: { invitationId: exampleIds.invitation }, output: undefined },
  }),
}
