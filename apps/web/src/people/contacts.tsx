import { useSotto } from '@sotto/react'
import type { RouterInputs } from '@sotto/sdk'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { PersonRow } from './person-row.tsx'
import { CONTACTS, useBlock, useContact } from './use-contacts.ts'

type State = NonNullable<NonNullable<RouterInputs['contacts']['list']>['state']>

/** The longest list that the server answers. */
const MAX_SHOWN = 200

/** Contacts, and requests that wait for an answer, kept up to date. */
export function Contacts() {
  useContactEvents()
  return (
    <section aria-labelledby="contacts">
      <h3 id="contacts">Contacts</h3>
      <ContactList state="incoming" title="They ask to be your contact" />
      <ContactList state="accepted" title="Your contacts" />
      <ContactList state="outgoing" title="You have asked" />
    </section>
  )
}

function ContactList({ state, title }: { state: State; title: string }) {
  const sotto = useSotto()
  const { add, remove } = useContact()
  const { block } = useBlock()
  const { data = [] } = useQuery({
    queryKey: [CONTACTS, state],
    queryFn: async ({ signal }) => (await sotto.contacts.list({ state, limit: MAX_SHOWN }, { signal })).items,
  })
  if (data.length === 0) return null
  const end = { incoming: 'Refuse', accepted: 'Remove', outgoing: 'Withdraw' }[state]
  return (
    <>
      <h4>{title}</h4>
      <ul className="people">
        {data.map(({ user }) => (
          <PersonRow
            key={user.id}
            user={user}
            actions={[
              ...(state === 'incoming' ? [{ label: 'Accept', run: () => add(user.username) }] : []),
              { label: end, run: () => remove(user.username) },
              { label: 'Block', run: () => block(user.username) },
            ]}
          />
        ))}
      </ul>
    </>
  )
}

/** Asks for the contacts again when somebody asks, accepts or ends one. */
function useContactEvents(): void {
  const sotto = useSotto()
  const queries = useQueryClient()
  useEffect(() => {
    const leaving = new AbortController()
    const listen = async () => {
      for await (const event of sotto.events({ signal: leaving.signal })) {
        if (event.type === 'contact.updated' || event.type === 'resync') {
          await queries.invalidateQueries({ queryKey: [CONTACTS] })
        }
      }
    }
    // The inbox tells when there is no stream to be had.
    listen().catch(() => {})
    return () => leaving.abort()
  }, [sotto, queries])
}
