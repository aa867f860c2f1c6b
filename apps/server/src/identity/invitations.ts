import { defaultLimit, type Invitation, SottoError } from '@sotto/contract'
import { type InvitationRow, store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toInvitation } from '../views/invitations.ts'
import { hashSecret, newSecret } from './secrets.ts'

const HOUR_MS = 60 * 60 * 1_000

/** Creates an invitation. Its token is returned once and stored hashed. */
export async function createInvitation(
  ctx: AdminContext,
  { maxUses, expiresInHours }: InputOf<'invitations', 'create'>,
): Promise<Invitation & { token: string }> {
  const { db, newId, now } = ctx.app
  const token = newSecret('in')
  const createdAt = now()
  const row: InvitationRow = {
    id: newId(),
    uses: 0,
    max_uses: maxUses,
    created_at: createdAt,
    expires_at: new Date(createdAt.getTime() + expiresInHours * HOUR_MS),
  }
  await db.transaction().execute(async (trx) => {
    await store.invitations.insert(trx, { ...row, tokenHash: hashSecret(token) })
    await recordAudit(trx, ctx, { action: 'invitation.created', subjectId: row.id })
  })
  return { ...toInvitation(row), token }
}

/** All invitations, including used up and expired ones, newest first. */
export async function listInvitations(
  { app }: AdminContext,
  input: InputOf<'invitations', 'list'>,
): Promise<{ items: Invitation[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const rows = await store.invitations.list(app.db, timePosition('invitations', input.cursor), limit + 1)
  const page = pageOf(rows, limit, (last) => timeCursor('invitations', last.created_at, last.id))
  return {
    items: page.rows.map(toInvitation),
    nextCursor: page.nextCursor,
  }
}

export async function revokeInvitation(
  ctx: AdminContext,
  { invitationId }: InputOf<'invitations', 'revoke'>,
): Promise<void> {
  await ctx.app.db.transaction().execute(async (trx) => {
    if (!(await store.invitations.remove(trx, invitationId))) throw new SottoError('INVITATION_NOT_FOUND')
    await recordAudit(trx, ctx, { action: 'invitation.revoked', subjectId: invitationId })
  })
}
