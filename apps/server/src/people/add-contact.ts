import { type Contact, invalidInput } from '@sotto/contract'
import { directKey, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireOther } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toContact } from '../views/contacts.ts'
import { appendContactEvent } from './contact-event.ts'
import { requireNoBlock } from './reach.ts'

/** The maximum number of open requests per sender: each also appears in another user's list. */
const MAX_OPEN_REQUESTS = 1_000

/** Sends or accepts a contact request. Holds the lock of the pair, so two concurrent requests result in a contact. */
export async function addContact(ctx: ActorContext, input: InputOf<'contacts', 'add'>): Promise<Contact> {
  const { actor } = ctx
  const other = await requireOther(ctx, actor, input.user)
  const { contact, isAccepted } = await ctx.app.write(async (trx) => {
    await store.conversations.lock(trx, directKey(actor.id, other.id))
    requireNoBlock(await store.relationships.find(trx, actor.id, other.id))
    const known = await store.contacts.find(trx, actor.id, other.id)
    if (known && known.state !== 'incoming') return { contact: toContact(known), isAccepted: false }

    // Includes requests that the actor has declined: they stay open until they are canceled.
    const hasRequest = (await store.contacts.find(trx, other.id, actor.id))?.state === 'outgoing'
    if (!hasRequest && (await store.contacts.count(trx, actor.id, 'outgoing')) >= MAX_OPEN_REQUESTS) {
      throw invalidInput('user', `too many open contact requests (maximum ${MAX_OPEN_REQUESTS})`)
    }
    const at = ctx.app.now()
    await store.contacts.set(trx, {
      userId: actor.id,
      contactId: other.id,
      state: hasRequest ? 'accepted' : 'outgoing',
      at,
    })
    await store.contacts.set(trx, {
      userId: other.id,
      contactId: actor.id,
      state: hasRequest ? 'accepted' : 'incoming',
      at,
    })
    await appendContactEvent(trx, actor.id, other.id, at)
    await appendContactEvent(trx, other.id, actor.id, at)
    const row = await store.contacts.find(trx, actor.id, other.id)
    if (!row) throw new Error(`contact of ${actor.id} not found`)
    return { contact: toContact(row), isAccepted: hasRequest }
  })
  if (isAccepted) ctx.app.emitBusinessEvent('contact.accepted', { userId: actor.id, contactId: other.id })
  return contact
}
