import { useConversations } from '@sotto/react'
import { useEffect } from 'react'
import { Link } from 'wouter'
import { useSession } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { Icon } from '../ui/icons.tsx'
import { InboxRow } from './inbox-row.tsx'
import { Outbox } from './outbox.tsx'

const toolClass = (isOpen: boolean) => (isOpen ? 'tool open' : 'tool')

/** All conversations, most recent activity first. */
export function Inbox() {
  const { me, end } = useSession()
  const { conversations, isLoaded, hasMore, loadMore, connection, error } = useConversations()
  const hasSessionEnded =
    connection === 'closed' && (error?.code === 'UNAUTHENTICATED' || error?.code === 'USER_MISMATCH')
  useEffect(() => {
    if (hasSessionEnded) end()
  }, [hasSessionEnded, end])
  const unreadConversations = conversations.filter(({ unreadCount }) => unreadCount > 0).length
  useEffect(() => {
    document.title = unreadConversations > 0 ? `(${unreadConversations}) Sotto` : 'Sotto'
  }, [unreadConversations])

  return (
    <nav className="inbox" aria-label="Conversations">
      <header>
        <h1>Sotto</h1>
        <Link href="/people" aria-label="People" title="People" className={toolClass}>
          <Icon name="people" />
        </Link>
        <Link href="/settings" aria-label="Settings" title="Settings" className={toolClass}>
          <Icon name="settings" />
        </Link>
      </header>
      <p role="status" className="connection">
        {connection === 'reconnecting' && "You're offline. Messages will send when you reconnect."}
        {connection === 'closed' && !hasSessionEnded && errorMessage(error)}
      </p>
      <Outbox />
      {isLoaded && conversations.length === 0 && <p className="hint">No conversations yet.</p>}
      <ul>
        {conversations.map((conversation) => (
          <InboxRow key={conversation.id} conversation={conversation} me={me.id} />
        ))}
      </ul>
      {hasMore && <Button onPress={() => void loadMore().catch(() => {})}>Load more</Button>}
    </nav>
  )
}
