import { useSotto } from '@sotto/react'
import type { RouterInputs } from '@sotto/sdk'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { PersonRow } from './person-row.tsx'
import { CONTACTS, useBlock, useContact } from './use-contacts.ts'

type State = NonNullable<NonNullable<RouterInputs['contacts']['list']>['state']>

/** The server's maximum page size. */
const MAX_SHOWN = 200

/** Contacts and pending contact requests. */
export function Contacts() {
  useContactEvents()
  return (
    <section aria-labelledby="contacts">
      <h3 id="contacts">Contacts</h3>
      <ContactList state="incoming" title="Contact requests" />
      <ContactList state="accepted" title="Your contacts" />
      <ContactList state="outgoing" title="Sent requests" />
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
  const removeLabel = { incoming: 'Decline', accepted: 'Remove', outgoing: 'Cancel request' }[state]
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
              { label: removeLabel, run: () => remove(user.username) },
              { label: 'Block', run: () => block(user.username) },
            ]}
          />
        ))}
      </ul>
    </>
  )
}

/** Refetches the lists when a contact or a request changes. */
function useContactEvents(): void {
  const sotto = useSotto()
  const queries = useQueryClient()
  useEffect(() => {
    const controller = new AbortController()
    const listen = async () => {
      for await (const event of sotto.events({ signal: controller.signal })) {
        if (event.type === 'contact.updated' || event.type === 'resync') {
          await queries.invalidateQueries({ queryKey: [CONTACTS] })
        }
      }
    }
    // The inbox shows when the event stream fails.
    listen().catch(() => {})
    return () => controller.abort()
  }, [sotto, queries])
}
