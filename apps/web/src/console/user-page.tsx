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

/** A user's account, where they are logged in, and what an admin can do about both. */
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
        of={{
          Username: account.username,
          'Display name': account.displayName ?? undefined,
          'First name': account.firstName ?? undefined,
          'Last name': account.lastName ?? undefined,
          Role: account.role === 'admin' ? 'admin of the installation' : 'user',
          State: account.disabled ? 'disabled: cannot log in' : 'enabled',
          'Second factor': account.secondFactor ? 'on' : 'off',
          'Made at': <Timestamp at={account.createdAt} />,
          'Changed at': <Timestamp at={account.updatedAt} />,
          Id: <code>{account.id}</code>,
        }}
      />
      <UserActions account={account} />
      <UserSessions userId={account.id} username={account.username} />
      <Section title="More of this user">
        <ul className="links">
          <li>
            <Link href={`/console/conversations?user=${account.username}`}>Conversations</Link>{' '}
            <span className="hint">(the look goes into the audit)</span>
          </li>
          <li>
            <Link href={`/console/audit?subject=${account.id}`}>What was done to them by privilege</Link>
          </li>
          <li>
            <Link href={`/console/audit?actor=${account.id}`}>What they have done by privilege</Link>
          </li>
        </ul>
      </Section>
    </ConsolePage>
  )
}
