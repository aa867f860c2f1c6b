import type { Messages, Send } from '@sotto/react'
import type { LiveMessage, SentMessage } from '@sotto/sdk'
import { memo, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { nameOf } from '../ui/names.ts'
import { Time } from '../ui/time.tsx'
import { DeleteMessage } from './delete-message.tsx'
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

/** A message, after the day on which it is the first. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { message, previous, conversation, isFirstUnread, retry, discard } = props
  const [task, setTask] = useState<MessageTask>()
  const close = () => setTask(undefined)
  const isNewDay = previous?.createdAt.toDateString() !== message.createdAt.toDateString()
  const isFirst = isNewDay || previous === undefined || senderOf(previous) !== senderOf(message)
  const isSent = message.status === 'sent'
  const isDeleted = isSent && message.deletedAt !== null
  const shown = isSent ? message.text : (message.text ?? null)
  const classes = ['message', message.isMine && 'mine', isFirst && 'first'].filter(Boolean).join(' ')
  return (
    <>
      {isNewDay && <p className="day">{day.format(message.createdAt)}</p>}
      {isFirstUnread && <p className="day new">New messages</p>}
      <article className={classes} data-status={message.status}>
        {conversation.kind === 'group' && isFirst && isSent && !message.isMine && (
          <p className="sender" dir="auto">
            {nameIn(conversation, message)}
          </p>
        )}
        <div className="bubble">
          {isDeleted && <p className="deleted">Message deleted</p>}
          {!isDeleted && <MessageMedia message={message} />}
          {task === 'edit' && isSent ? (
            <MessageEditor message={message} edit={conversation.edit} onDone={close} />
          ) : (
            shown !== null && (
              <p className="text" dir="auto">
                {shown}
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
              // One that fails shows in that nothing changes; the connection's state is told elsewhere.
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
          <p role="alert" className="failed">
            {errorMessage(message.error)}{' '}
            <Button onPress={() => retry(message.clientMessageId)}>Try again</Button>
            <Button onPress={() => discard(message.clientMessageId)}>Discard</Button>
          </p>
        )}
      </article>
    </>
  )
})

/** As the others of a group are called; by the username where they have left, or are not among the first. */
function nameIn({ participants }: Pick<Messages, 'participants'>, { senderId, sender }: SentMessage): string {
  const of = participants.find(({ user }) => user.id === senderId)
  return of ? nameOf(of.user) : sender
}

/** One's own are known before the server has said by whom they are. */
function senderOf(message: LiveMessage): string {
  return message.isMine || message.status !== 'sent' ? '' : message.senderId
}
