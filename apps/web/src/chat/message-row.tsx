import type { Messages, Send } from '@sotto/react'
import type { LiveMessage, SentMessage } from '@sotto/sdk'
import { memo, useState } from 'react'
import { nameOf } from '../ui/names.ts'
import { Time } from '../ui/time.tsx'
import { DeleteMessage } from './delete-message.tsx'
import { FailedMessage } from './failed-message.tsx'
import { MessageActions, type MessageTask } from './message-actions.tsx'
import { MessageEditor } from './message-editor.tsx'
import { MessageMedia } from './message-media.tsx'
import { MessageStatus } from './message-status.tsx'
import { ReactionPicker } from './reaction-picker.tsx'
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

/** A message, preceded by a date divider if it is the first of its day. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { message, previous, conversation, isFirstUnread, retry, discard } = props
  const [task, setTask] = useState<MessageTask>()
  const close = () => setTask(undefined)
  const isNewDay = previous?.createdAt.toDateString() !== message.createdAt.toDateString()
  const isFirst = isNewDay || previous === undefined || senderKey(previous) !== senderKey(message)
  const isSent = message.status === 'sent'
  const isDeleted = isSent && message.deletedAt !== null
  const text = isSent ? message.text : (message.text ?? null)
  const classes = ['message', message.isMine && 'mine', isFirst && 'first'].filter(Boolean).join(' ')
  return (
    <>
      {isNewDay && <p className="day">{day.format(message.createdAt)}</p>}
      {isFirstUnread && <p className="day new">New messages</p>}
      <article className={classes} data-status={message.status}>
        {conversation.kind === 'group' && isFirst && isSent && !message.isMine && (
          <p className="sender" dir="auto">
            {senderName(conversation, message)}
          </p>
        )}
        <div className="bubble">
          {isDeleted && <p className="deleted">Message deleted</p>}
          {!isDeleted && <MessageMedia message={message} />}
          {task === 'edit' && isSent ? (
            <MessageEditor message={message} edit={conversation.edit} onDone={close} />
          ) : (
            text !== null && (
              <p className="text" dir="auto">
                {text}
              </p>
            )
          )}
          <p className="meta">
            {isSent && message.editedAt && !isDeleted && 'edited '}
            <Time at={message.createdAt} only="clock" />
            {message.isMine && <MessageStatus message={message} conversation={conversation} />}
          </p>
          {isSent && !isDeleted && !task && (
            <MessageActions
              message={message}
              // On failure nothing changes here, and the inbox shows the connection state.
              onLike={() => void conversation.like(message.id).catch(() => {})}
              onTask={setTask}
            />
          )}
        </div>
        {isSent && !isDeleted && <Reactions message={message} conversation={conversation} />}
        {isSent && task === 'emoji' && (
          <ReactionPicker onChoose={(emoji) => conversation.react(message.id, emoji)} onDone={close} />
        )}
        {isSent && task === 'delete' && (
          <DeleteMessage onDelete={() => conversation.delete(message.id)} onDone={close} />
        )}
        {message.status === 'failed' && (
          <FailedMessage message={message} conversation={conversation} retry={retry} discard={discard} />
        )}
      </article>
    </>
  )
})

/** The sender's name, or their username if they have left or are not among the listed participants. */
function senderName(
  { participants }: Pick<Messages, 'participants'>,
  { senderId, sender }: SentMessage,
): string {
  const participant = participants.find(({ user }) => user.id === senderId)
  return participant ? nameOf(participant.user) : sender
}

/** Identifies the sender. Empty for the user's own messages, which have no sender id until they are sent. */
function senderKey(message: LiveMessage): string {
  return message.isMine || message.status !== 'sent' ? '' : message.senderId
}
