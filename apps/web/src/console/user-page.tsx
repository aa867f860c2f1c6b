import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { nameOf } from '../ui/names.ts'
import { DescriptionList } from './description-list.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage, Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE } from './use-paged-query.ts'
import { UserActions } from './user-actions.tsx'
import { UserSessions } from './user-sessions.tsx'

/** A user's account and sessions, with the admin actions on them. */
export function UserPage({ user }: { user: string }) {
  const sotto = useSotto()
  const {
    data: account,
    isPending,
    error,
  } = useQuery({
    queryKey: [CONSOLE, 'account', user],
    queryFn: ({ signal }) => sotto.users.account({ user }, { signal }),
  })
  if (!account) {
    return (
      <ConsolePage title="User">
        <QueryStatus isPending={isPending} error={error} />
      </ConsolePage>
    )
  }
  return (
    <ConsolePage title={nameOf(account)}>
      <DescriptionList
        items={{
          Username: account.username,
          'Display name': account.displayName ?? undefined,
          'First name': account.firstName ?? undefined,
          'Last name': account.lastName ?? undefined,
          Role: account.role === 'admin' ? 'server admin' : 'user',
          Status: account.disabled ? 'disabled (cannot sign in)' : 'enabled',
          'Two-factor authentication': account.secondFactor ? 'on' : 'off',
          Created: <Timestamp at={account.createdAt} />,
          Updated: <Timestamp at={account.updatedAt} />,
          ID: <code>{account.id}</code>,
        }}
      />
      <UserActions account={account} />
      <UserSessions userId={account.id} />
      <Section title="More about this user">
        <ul className="links">
          <li>
            <Link href={`/console/conversations?user=${account.username}`}>Conversations</Link>{' '}
            <span className="hint">(recorded in the audit log)</span>
          </li>
          <li>
            <Link href={`/console/audit?subject=${account.id}`}>Admin actions on this user</Link>
          </li>
          <li>
            <Link href={`/console/audit?actor=${account.id}`}>Admin actions by this user</Link>
          </li>
        </ul>
      </Section>
    </ConsolePage>
  )
}
