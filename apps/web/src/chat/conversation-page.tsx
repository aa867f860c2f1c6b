import { type Send, useMessages, usePresence, useSend } from '@sotto/react'
import type { ConversationTarget } from '@sotto/sdk'
import { lazy, Suspense, useCallback, useState } from 'react'
import { ToggleButton } from 'react-aria-components/ToggleButton'
import { useMe } from '../session/me.ts'
import { Avatar } from '../ui/avatar.tsx'
import { BackLink } from '../ui/back-link.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { nameOf, otherUser } from '../ui/names.ts'
import { Time } from '../ui/time.tsx'
import { Composer } from './composer.tsx'
import { DateJump } from './date-jump.tsx'
import { MessageList } from './message-list.tsx'
import { TypingIndicator } from './typing-indicator.tsx'
import { useScrollTarget } from './use-scroll-target.ts'

const GroupDetails = lazy(async () => ({ default: (await import('./group-details.tsx')).GroupDetails }))

/** A direct conversation, by user, or a group, by id. */
export function ConversationPage({ target }: { target: ConversationTarget }) {
  const me = useMe()
  const conversation = useMessages(target)
  const { send, retry, discard } = useSend(target)
  const { kind, name, participants, participantCount, hasLeft, lastSeq, connection, error } = conversation
  const other = kind === 'direct' ? otherUser(conversation, me.id) : undefined
  const presence = usePresence(other && other.id !== me.id ? other.id : undefined)
  const scrollTarget = useScrollTarget(conversation)
  const { scrollTo } = scrollTarget
  const sendAndScroll = useCallback<Send['send']>(
    (content) => {
      const clientMessageId = send(content)
      scrollTo('newest')
      return clientMessageId
    },
    [send, scrollTo],
  )
  const [showsDetails, setShowsDetails] = useState(false)
  const title = name ?? (other ? nameOf(other) : typeof target === 'string' ? target : 'Group')
  return (
    <main className="conversation" aria-label={title}>
      <header>
        <BackLink />
        <Avatar name={title} online={presence?.online} />
        <div>
          <h2 dir="auto">{title}</h2>
          <p className="hint">
            {kind === 'group' && (participantCount === 1 ? '1 person' : `${participantCount} people`)}
            {presence?.online && 'online'}
            {presence?.lastSeenAt && (
              <>
                last seen <Time at={presence.lastSeenAt} />
              </>
            )}
          </p>
        </div>
        {lastSeq > 0 && <DateJump scrollTo={scrollTo} />}
        {kind === 'group' && !hasLeft && (
          <ToggleButton className="button" isSelected={showsDetails} onChange={setShowsDetails}>
            Members
          </ToggleButton>
        )}
      </header>
      {showsDetails && typeof target !== 'string' && !hasLeft && (
        <Suspense>
          <GroupDetails conversationId={target.conversationId} group={conversation} />
        </Suspense>
      )}
      {connection === 'closed' && (
        <p role="alert" className="error">
          {errorMessage(error)}
        </p>
      )}
      <MessageList conversation={conversation} scrollTarget={scrollTarget} retry={retry} discard={discard} />
      <TypingIndicator target={target} participants={participants} />
      {hasLeft ? (
        <p className="hint">You're no longer in this group.</p>
      ) : (
        <Composer target={target} send={sendAndScroll} label={`Message to ${title}`} />
      )}
    </main>
  )
}
