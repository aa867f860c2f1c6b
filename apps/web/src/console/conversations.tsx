import { useSotto } from '@sotto/react'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { Link, useLocation, useSearchParams } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { namesOf } from './inspected-conversation.tsx'
import { PagedList } from './paged-list.tsx'
import { ConsolePage, Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { usePagedQuery } from './use-paged-query.ts'

/** Finds conversations by participant or id. */
export function Conversations() {
  const [parameters] = useSearchParams()
  const user = parameters.get('user') ?? ''
  return (
    <ConsolePage title="Conversations">
      <p className="hint">
        Every list and every page of messages you view is recorded in the audit log under your name.
      </p>
      <FindConversations key={user} user={user} />
      {user && <ConversationsOf user={user} />}
    </ConsolePage>
  )
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function FindConversations({ user }: { user: string }) {
  const [, navigate] = useLocation()
  const [query, setQuery] = useState(user)
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault()
        const trimmed = query.trim()
        navigate(
          UUID.test(trimmed)
            ? `/console/conversations/${trimmed}`
            : `/console/conversations?user=${encodeURIComponent(trimmed)}`,
        )
      }}
    >
      <Field
        label="Username or conversation ID"
        isRequired
        autoComplete="off"
        value={query}
        onChange={setQuery}
      />
      <Button type="submit">Search</Button>
    </Form>
  )
}

function ConversationsOf({ user }: { user: string }) {
  const sotto = useSotto()
  const pages = usePagedQuery({
    key: ['conversations', user],
    once: true,
    read: (cursor, signal) => sotto.inspection.conversations({ user, ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <Section title={`Conversations of ${user}`}>
      <PagedList label="Conversations" pages={pages} emptyText="No conversations." keyOf={({ id }) => id}>
        {(conversation) => (
          <>
            <Link href={`/console/conversations/${conversation.id}`} dir="auto">
              {conversation.name ?? namesOf(conversation)}
            </Link>
            <span className="hint">
              {conversation.kind === 'group' ? `group of ${conversation.participantCount}` : 'direct'},{' '}
              {conversation.lastSeq} messages, updated <Timestamp at={conversation.updatedAt} />
            </span>
          </>
        )}
      </PagedList>
    </Section>
  )
}
