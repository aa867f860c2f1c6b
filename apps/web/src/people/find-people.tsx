import { useSotto } from '@sotto/react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { errorMessage } from '../ui/error-message.ts'
import { Field } from '../ui/field.tsx'
import { PersonRow } from './person-row.tsx'
import { useBlock, useContact } from './use-contacts.ts'

const SHOWN = 20

/** Everybody whose username or name begins with what is typed. */
export function FindPeople() {
  const sotto = useSotto()
  const [typed, setTyped] = useState('')
  const q = useDeferredValue(typed.trim())
  const found = useQuery({
    queryKey: ['people', q],
    queryFn: async ({ signal }) => (await sotto.users.list({ q, limit: SHOWN }, { signal })).items,
    enabled: q !== '',
    placeholderData: keepPreviousData,
  })
  const { add } = useContact()
  const { block } = useBlock()
  return (
    <section aria-labelledby="find">
      <h3 id="find">Find people</h3>
      <Field label="Name or username" type="search" value={typed} onChange={setTyped} />
      {found.error && (
        <p role="alert" className="error">
          {errorMessage(found.error)}
        </p>
      )}
      <p role="status" className="hint">
        {q !== '' && found.data?.length === 0 && 'Nobody is called so.'}
      </p>
      <ul className="people">
        {q !== '' &&
          found.data?.map((user) => (
            <PersonRow
              key={user.id}
              user={user}
              actions={[
                { label: 'Add as a contact', run: () => add(user.username) },
                { label: 'Block', run: () => block(user.username) },
              ]}
            />
          ))}
      </ul>
    </section>
  )
}
