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
  actor: { label: 'Actor', hint: 'A username, a key ID or "environment".' },
  subject: { label: 'Subject', hint: 'A username, an ID, or ext: and an external ID.' },
  action: { label: 'Action', hint: 'For example user.disabled.' },
  since: { label: 'From', type: 'datetime-local' },
  until: { label: 'Before', type: 'datetime-local' },
} as const
type Filters = Partial<Record<keyof typeof fields, string>>

/** Privileged actions, newest first. The filters are in the URL, so that it can be shared. */
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
    <ConsolePage title="Audit log">
      <AuditFilters
        key={parameters.toString()}
        filters={filters}
        onChange={(changed) => setParameters(Object.entries(changed).filter(([, value]) => value !== ''))}
      />
      <PagedList label="Audit entries" pages={pages} emptyText="No matching entries." keyOf={({ id }) => id}>
        {(entry) => <Entry entry={entry} />}
      </PagedList>
    </ConsolePage>
  )
}

function AuditFilters({ filters, onChange }: { filters: Filters; onChange: (filters: Filters) => void }) {
  const [values, setValues] = useState(filters)
  return (
    <Form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault()
        onChange(values)
      }}
    >
      {Object.entries(fields).map(([name, field]) => (
        <Field
          key={name}
          {...field}
          autoComplete="off"
          value={values[name as keyof Filters] ?? ''}
          onChange={(value) => setValues({ ...values, [name]: value })}
        />
      ))}
      <Button type="submit">Filter</Button>
    </Form>
  )
}

function Entry({
  entry: { at, actorKind, actorId, actingForId, action, subjectId, address, requestId },
}: {
  entry: AuditEntry
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

/** Links the subject to its page in the console, if it has one. */
function Subject({ action, id }: { action: string; id: string }) {
  const [resource] = action.split('.')
  if (resource === 'user') return <UserId id={id} />
  if (resource === 'conversation' || resource === 'group') {
    return <Link href={`/console/conversations/${id}`}>{id}</Link>
  }
  if (resource === 'webhook') return <Link href={`/console/webhooks/${id}`}>{id}</Link>
  return id
}
