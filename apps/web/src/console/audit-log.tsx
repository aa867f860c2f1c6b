import { useSotto } from '@sotto/react'
import type { AuditEntry } from '@sotto/sdk'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { Link, useSearchParams } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { PagedList } from './paged-list.tsx'
import { ConsolePage } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { usePagedQuery } from './use-paged-query.ts'

const fields = {
  actor: { label: 'Who did it', hint: 'A username, the id of a key, or environment.' },
  subject: { label: 'To what', hint: 'A username, or an id.' },
  action: { label: 'What', hint: 'Such as user.disabled.' },
  since: { label: 'From', type: 'datetime-local' },
  until: { label: 'Before', type: 'datetime-local' },
} as const
type Filters = Partial<Record<keyof typeof fields, string>>

/** What was done by privilege, newest first. The filters are in the address, so that they can be passed on. */
export function AuditLog() {
  const sotto = useSotto()
  const [parameters, setParameters] = useSearchParams()
  const filters: Filters = Object.fromEntries(parameters)
  const { actor, subject, action, since, until } = filters
  const pages = usePagedQuery({
    key: ['audit', parameters.toString()],
    read: (cursor, signal) =>
      sotto.audit.list(
        {
          ...(actor && { actor }),
          ...(subject && { subject }),
          ...(action && { action }),
          ...(since && { since: new Date(since) }),
          ...(until && { until: new Date(until) }),
          ...(cursor && { cursor }),
        },
        { signal },
      ),
  })
  return (
    <ConsolePage title="Audit">
      <AuditFilters
        key={parameters.toString()}
        filters={filters}
        onChange={(changed) => setParameters(Object.entries(changed).filter(([, value]) => value !== ''))}
      />
      <PagedList label="Acts" pages={pages} none="Nothing of this kind was done." keyOf={({ id }) => id}>
        {(act) => <Act of={act} />}
      </PagedList>
    </ConsolePage>
  )
}

function AuditFilters({ filters, onChange }: { filters: Filters; onChange: (filters: Filters) => void }) {
  const [typed, setTyped] = useState(filters)
  return (
    <Form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault()
        onChange(typed)
      }}
    >
      {Object.entries(fields).map(([name, about]) => (
        <Field
          key={name}
          {...about}
          autoComplete="off"
          value={typed[name as keyof Filters] ?? ''}
          onChange={(value) => setTyped({ ...typed, [name]: value })}
        />
      ))}
      <Button type="submit">Filter</Button>
    </Form>
  )
}

function Act({
  of: { at, actorKind, actorId, actingForId, action, subjectId, address, requestId },
}: {
  of: AuditEntry
}) {
  return (
    <>
      <strong>{action}</strong>
      <span className="ids">
        {actorKind === 'user' && actorId ? <UserId id={actorId} /> : `${actorKind} ${actorId ?? ''}`}
        {actingForId && (
          <>
            {' '}
            for <UserId id={actingForId} />
          </>
        )}
        {subjectId && (
          <>
            {' → '}
            <Subject action={action} id={subjectId} />
          </>
        )}
      </span>
      <span className="hint">
        <Timestamp at={at} />
        {address && ` · from ${address}`}
        {requestId && ` · request ${requestId}`}
      </span>
    </>
  )
}

function UserId({ id }: { id: string }) {
  return <Link href={`/console/users/${id}`}>{id}</Link>
}

/** Where what an act was done to is shown; a user who was erased is there no more. */
function Subject({ action, id }: { action: string; id: string }) {
  const [resource] = action.split('.')
  if (resource === 'user') return <UserId id={id} />
  if (resource === 'conversation' || resource === 'group') {
    return <Link href={`/console/conversations/${id}`}>{id}</Link>
  }
  if (resource === 'webhook') return <Link href={`/console/webhooks/${id}`}>{id}</Link>
  return id
}
