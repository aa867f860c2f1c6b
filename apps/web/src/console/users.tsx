import { useSotto } from '@sotto/react'
import { useDeferredValue, useState } from 'react'
import { Link } from 'wouter'
import { Field } from '../ui/field.tsx'
import { nameOf } from '../ui/names.ts'
import { PagedList } from './paged-list.tsx'
import { ConsolePage } from './section.tsx'
import { usePagedQuery } from './use-paged-query.ts'

/** All users, or those whose username or name starts with the query. */
export function Users() {
  const sotto = useSotto()
  const [query, setQuery] = useState('')
  const q = useDeferredValue(query.trim())
  const pages = usePagedQuery({
    key: ['users', q],
    read: (cursor, signal) => sotto.users.list({ ...(q && { q }), ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Users">
      <Field label="Search by username or name" type="search" value={query} onChange={setQuery} />
      <PagedList label="Users" pages={pages} emptyText="No one found" keyOf={(user) => user.id}>
        {(user) => (
          <Link href={`/console/users/${user.username}`} dir="auto">
            {nameOf(user)} <span className="hint">@{user.username}</span>
          </Link>
        )}
      </PagedList>
    </ConsolePage>
  )
}
