import { useSotto } from '@sotto/react'
import { PagedList } from './paged-list.tsx'
import { Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { usePagedQuery } from './use-paged-query.ts'

/** A user's active sessions. */
export function UserSessions({ userId }: { userId: string }) {
  const sotto = useSotto()
  const pages = usePagedQuery({
    key: ['sessions', userId],
    read: (cursor, signal) => sotto.sessions.listOf({ user: userId, ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <Section title="Sessions">
      <PagedList
        label="Sessions"
        pages={pages}
        emptyText="No active sessions."
        keyOf={(session) => session.id}
      >
        {(session) => (
          <>
            <strong dir="auto">{session.userAgent ?? 'Unknown client'}</strong>
            <span className="hint">
              since <Timestamp at={session.createdAt} />, last used <Timestamp at={session.lastUsedAt} />
            </span>
          </>
        )}
      </PagedList>
    </Section>
  )
}
