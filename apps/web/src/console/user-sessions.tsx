import { useSotto } from '@sotto/react'
import { PagedList } from './paged-list.tsx'
import { Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { usePagedQuery } from './use-paged-query.ts'

/** Where a user is logged in. */
export function UserSessions({ userId, username }: { userId: string; username: string }) {
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
        none={`${username} is logged in nowhere.`}
        keyOf={(session) => session.id}
      >
        {(session) => (
          <>
            <strong dir="auto">{session.userAgent ?? 'A client without a name'}</strong>
            <span className="hint">
              since <Timestamp at={session.createdAt} />, last used <Timestamp at={session.lastUsedAt} />
            </span>
          </>
        )}
      </PagedList>
    </Section>
  )
}
