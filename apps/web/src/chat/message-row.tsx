import type { Messages, Send } from '@sotto/react'
import type { LiveMessage } from '@sotto/sdk'
import { memo, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Time } from '../ui/time.tsx'
import { wordsOf } from '../ui/words-of.ts'
import { MessageActions } from './message-actions.tsx'
import { MessageEditor } from './message-editor.tsx'
import { MessageMedia } from './message-media.tsx'
import { MessageStatus } from './message-status.tsx'
import { Reactions } from './reactions.tsx'

interface Props {
  message: LiveMessage
  previous: LiveMessage | undefined
  conversation: Messages
  isFirstUnread: boolean
  retry: Send['retry']
  discard: Send['discard']
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' })

/** A message, after the day on which it is the first. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { message, previous, conversation, isFirstUnread, retry, discard } = props
  const [isEditing, setIsEditing] = useState(false)
  const isNewDay = previous?.createdAt.toDateString() !== message.createdAt.toDateString()
  const isSent = message.status === 'sent'
  const isDeleted = isSent && message.deletedAt !== null
  const shown = isSent ? message.text : (message.text ?? null)
  return (
    <>
      {isNewDay && <p className="day">{day.format(message.createdAt)}</p>}
      {isFirstUnread && <p className="day new">New messages</p>}
      <article className={message.isMine ? 'message mine' : 'message'} data-status={message.status}>
        {conversation.kind === 'group' && isSent && !message.isMine && (
          <p className="sender" dir="auto">
            {message.sender}
          </p>
        )}
        <div className="bubble">
          {isDeleted && <p className="gone">Message deleted</p>}
          {!isDeleted && <MessageMedia message={message} />}
          {isEditing && isSent ? (
            <MessageEditor message={message} edit={conversation.edit} onDone={() => setIsEditing(false)} />
          ) : (
            shown !== null && (
              <p className="text" dir="auto">
                {shown}
              </p>
            )
          )}
          <p className="about">
            {isSent && message.editedAt && !isDeleted && 'edited '}
            <Time at={message.createdAt} only="clock" />
            {message.isMine && <MessageStatus message={message} conversation={conversation} />}
          </p>
        </div>
        {isSent && !isDeleted && !isEditing && (
          <>
            <Reactions message={message} conversation={conversation} />
            <MessageActions message={message} conversation={conversation} onEdit={() => setIsEditing(true)} />
          </>
        )}
        {message.status === 'failed' && (
          <p role="alert" className="failed">
            {wordsOf(message.error)} <Button onPress={() => retry(message.clientMessageId)}>Try again</Button>
            <Button onPress={() => discard(message.clientMessageId)}>Discard</Button>
          </p>
        )}
      </article>
    </>
  )
})
