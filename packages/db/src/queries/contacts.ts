import { givenRows } from '../dialect/expressions.ts'
import type { ContactTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { TimePosition } from './inbox.ts'
import { type UserRow, userColumns } from './users.ts'

type State = ContactTable['state']

/** The other user and the state of the contact. */
export type ContactRow = UserRow & Pick<ContactTable, 'state' | 'changed_at'>

function selectContacts(db: Executor) {
  return db
    .selectFrom('contacts')
    .innerJoin('users', 'users.id', 'contacts.contact_id')
    .select(userColumns)
    .select(['contacts.state', 'contacts.changed_at'])
}

const one = statement((db, p: { userId: string; contactId: string }) =>
  selectContacts(db).where('contacts.user_id', '=', p.userId).where('contacts.contact_id', '=', p.contactId),
)

/** A user's contact row for another user, if any. */
export async function find(db: Executor, userId: string, contactId: string): Promise<ContactRow | undefined> {
  const [row] = await one(db, { userId, contactId })
  return row
}

const states = statement((db, p: { wanted: string }) =>
  db
    .selectFrom(givenRows(db, p.wanted, { user_id: 'uuid', contact_id: 'uuid' }))
    .innerJoin('contacts', (join) =>
      join
        .onRef('contacts.user_id', '=', 'given.user_id')
        .onRef('contacts.contact_id', '=', 'given.contact_id'),
    )
    .select(['contacts.user_id', 'contacts.contact_id', 'contacts.state']),
)

/** The states of contacts of several users. Without those that do not exist. In no particular order. */
export async function findStates(
  db: Executor,
  wanted: readonly { userId: string; contactId: string }[],
): Promise<Pick<ContactTable, 'user_id' | 'contact_id' | 'state'>[]> {
  if (wanted.length === 0) return []
  return states(db, {
    wanted: JSON.stringify(
      wanted.map(({ userId, contactId }) => ({ user_id: userId, contact_id: contactId })),
    ),
  })
}

const page = statement(
  (db, p: { userId: string; state: State; beforeAt: Date; beforeId: string; limit: number }) =>
    selectContacts(db)
      .where('contacts.user_id', '=', p.userId)
      .where('contacts.state', '=', p.state)
      .where((eb) =>
        eb(eb.refTuple('contacts.changed_at', 'contacts.contact_id'), '<', eb.tuple(p.beforeAt, p.beforeId)),
      )
      .orderBy('contacts.changed_at', 'desc')
      .orderBy('contacts.contact_id', 'desc')
      .limit(p.limit),
)

/** A user's contacts in one state, newest first. */
export async function list(
  db: Executor,
  { userId, state, before, limit }: { userId: string; state: State; before: TimePosition; limit: number },
): Promise<ContactRow[]> {
  return page(db, { userId, state, beforeAt: before.at, beforeId: before.id, limit })
}

const inState = statement((db, p: { userId: string; state: State }) =>
  db
    .selectFrom('contacts')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', p.userId)
    .where('state', '=', p.state),
)

/** The number of contacts a user has in a state. */
export async function count(db: Executor, userId: string, state: State): Promise<number> {
  const [row] = await inState(db, { userId, state })
  return row?.count ?? 0
}

/** Creates or replaces one user's row for a contact. The caller sets the row of the other side. */
export async function set(
  trx: Executor,
  contact: { userId: string; contactId: string; state: State; at: Date },
): Promise<void> {
  const { state, at } = contact
  await trx
    .insertInto('contacts')
    .values({ user_id: contact.userId, contact_id: contact.contactId, state, changed_at: at })
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'contact_id']).doUpdateSet({ state, changed_at: at }),
    )
    .execute()
}

/** @returns the state of the deleted row, or undefined if there was none. */
export async function remove(trx: Executor, userId: string, contactId: string): Promise<State | undefined> {
  const deleted = await trx
    .deleteFrom('contacts')
    .where('user_id', '=', userId)
    .where('contact_id', '=', contactId)
    .returning('state')
    .executeTakeFirst()
  return deleted?.state
}
