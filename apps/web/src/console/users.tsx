import { useSotto } from '@sotto/react'
import { useDeferredValue, useState } from 'react'
import { Link } from 'wouter'
import { Field } from '../ui/field.tsx'
import { nameOf } from '../ui/names.ts'
import { PagedList } from './paged-list.tsx'
import { ConsolePage } from './section.tsx'
import { usePagedQuery } from './use-paged-query.ts'

/** Everybody, and who is called as what is typed begins. */
export function Users() {
  const sotto = useSotto()
  const [typed, setTyped] = useState('')
  const q = useDeferredValue(typed.trim())
  const pages = usePagedQuery({
    key: ['users', q],
    read: (cursor, signal) => sotto.users.list({ ...(q && { q }), ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Users">
      <Field label="Username or name begins with" type="search" value={typed} onChange={setTyped} />
      <PagedList label="Users" pages={pages} none="Nobody is called so." keyOf={(user) => user.id}>
        {(user) => (
          <Link href={`/console/users/${user.username}`} dir="auto">
            {nameOf(user)} <span className="hint">@{user.username}</span>
          </Link>
        )}
      </PagedList>
    </ConsolePage>
  )
}
