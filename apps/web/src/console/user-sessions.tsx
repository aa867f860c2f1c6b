import { useSotto } from '@sotto/react'
import { Entries } from './entries.tsx'
import { Moment } from './moment.tsx'
import { Section } from './section.tsx'
import { usePages } from './use-pages.ts'

/** Where a user is logged in. */
export function UserSessions({ userId, username }: { userId: string; username: string }) {
  const sotto = useSotto()
  const pages = usePages({
    key: ['sessions', userId],
    read: (cursor, signal) => sotto.sessions.listOf({ user: userId, ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <Section title="Sessions">
      <Entries
        label="Sessions"
        pages={pages}
        none={`${username} is logged in nowhere.`}
        keyOf={(session) => session.id}
      >
        {(session) => (
          <>
            <strong dir="auto">{session.userAgent ?? 'A client without a name'}</strong>
            <span className="hint">
              since <Moment at={session.createdAt} />, last used <Moment at={session.lastUsedAt} />
            </span>
          </>
        )}
      </Entries>
    </Section>
  )
}
