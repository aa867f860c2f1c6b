import { useSotto } from '@sotto/react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { errorMessage } from '../ui/error-message.ts'
import { Field } from '../ui/field.tsx'
import { PersonRow } from './person-row.tsx'
import { useBlock, useContact } from './use-contacts.ts'

const MAX_RESULTS = 20

/** Finds users whose username or display name starts with the query. */
export function FindPeople() {
  const sotto = useSotto()
  const [query, setQuery] = useState('')
  const q = useDeferredValue(query.trim())
  const found = useQuery({
    queryKey: ['people', q],
    queryFn: async ({ signal }) => (await sotto.users.list({ q, limit: MAX_RESULTS }, { signal })).items,
    enabled: q !== '',
    placeholderData: keepPreviousData,
  })
  const { add } = useContact()
  const { block } = useBlock()
  return (
    <section aria-labelledby="find">
      <h3 id="find">Find people</h3>
      <Field label="Name or username" type="search" value={query} onChange={setQuery} />
      {found.error && (
        <p role="alert" className="error">
          {errorMessage(found.error)}
        </p>
      )}
      <p role="status" className="hint">
        {q !== '' && found.data?.length === 0 && 'No one found'}
      </p>
      <ul className="people">
        {q !== '' &&
          found.data?.map((user) => (
            <PersonRow
              key={user.id}
              user={user}
              actions={[
                { label: 'Add contact', run: () => add(user.username) },
                { label: 'Block', run: () => block(user.username) },
              ]}
            />
          ))}
      </ul>
    </section>
  )
}
