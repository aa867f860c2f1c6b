import { useSotto } from '@sotto/react'
import type { ConversationSummary } from '@sotto/sdk'
import { useQuery } from '@tanstack/react-query'
import { Fragment } from 'react'
import { Link } from 'wouter'
import { nameOf } from '../ui/names.ts'
import { DescriptionList } from './description-list.tsx'
import { InspectedMessage } from './inspected-message.tsx'
import { PagedList } from './paged-list.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage, Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE, usePagedQuery } from './use-paged-query.ts'

/** The names of a conversation's participants. */
export function namesOf({ participants }: Pick<ConversationSummary, 'participants'>): string {
  return participants.map(({ user }) => nameOf(user)).join(', ')
}

/** A conversation as admins see it. The server records every access in the audit log before it responds. */
export function InspectedConversation({ conversationId }: { conversationId: string }) {
  const sotto = useSotto()
  const { data, isPending, error } = useQuery({
    queryKey: [CONSOLE, 'conversation', conversationId],
    queryFn: ({ signal }) => sotto.inspection.conversation({ conversationId }, { signal }),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnReconnect: false,
  })
  return (
    <ConsolePage title={data ? (data.name ?? namesOf(data)) : 'Conversation'}>
      <QueryStatus isPending={isPending} error={error} />
      {data && (
        <>
          <DescriptionList
            items={{
              Type: data.kind,
              Participants: <Participants conversation={data} />,
              Messages: data.lastSeq,
              Created: <Timestamp at={data.createdAt} />,
              ID: <code>{data.id}</code>,
            }}
          />
          <InspectedMessages conversationId={data.id} />
        </>
      )}
    </ConsolePage>
  )
}

function Participants({
  conversation: { participants, participantCount },
}: {
  conversation: ConversationSummary
}) {
  const more = participantCount - participants.length
  return (
    <>
      {participants.map(({ user, role }, index) => (
        <Fragment key={user.id}>
          {index > 0 && ', '}
          <Link href={`/console/users/${user.username}`}>@{user.username}</Link>
          {role !== 'member' && ` (${role})`}
        </Fragment>
      ))}
      {more > 0 && ` and ${more} more`}
    </>
  )
}

function InspectedMessages({ conversationId }: { conversationId: string }) {
  const sotto = useSotto()
  const pages = usePagedQuery({
    key: ['messages', conversationId],
    once: true,
    read: (cursor, signal) =>
      sotto.inspection.messages({ conversationId, ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <Section title="Messages, newest first">
      <PagedList label="Messages" pages={pages} emptyText="No messages." keyOf={(message) => message.id}>
        {(message) => <InspectedMessage message={message} />}
      </PagedList>
    </Section>
  )
}
