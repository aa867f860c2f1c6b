import { usePresence } from '@sotto/react'
import type { Conversation, Message } from '@sotto/sdk'
import { memo } from 'react'
import { Link } from 'wouter'
import { Avatar } from '../ui/avatar.tsx'
import { otherUser, pathOf, titleOf } from '../ui/names.ts'
import { Time } from '../ui/time.tsx'

interface Props {
  conversation: Conversation
  me: string
}

/** A conversation in the inbox: name, last message, time and unread count. */
export const InboxRow = memo(function InboxRow({ conversation, me }: Props) {
  const { kind, lastMessage, unreadCount, updatedAt } = conversation
  const title = titleOf(conversation, me)
  const other = kind === 'direct' ? otherUser(conversation, me) : undefined
  const presence = usePresence(other && other.id !== me ? other.id : undefined)
  return (
    <li>
      <Link href={pathOf(conversation, me)} className={(isActive) => (isActive ? 'row open' : 'row')}>
        <Avatar name={title} online={presence?.online} />
        <span className="title" dir="auto">
          {title}
        </span>
        <Time at={updatedAt} />
        <span className="preview" dir="auto">
          {lastMessage && previewOf(lastMessage, me)}
        </span>
        {unreadCount > 0 && (
          <span className="unread">
            {unreadCount > 999 ? '999+' : unreadCount}
            <span className="visually-hidden"> unread</span>
          </span>
        )}
        {presence?.online && <span className="visually-hidden">online</span>}
      </Link>
    </li>
  )
})

function previewOf(message: Message, me: string): string {
  const preview = message.deletedAt
    ? 'Message deleted'
    : (message.text ?? (message.kind === 'image' ? 'Image' : 'Video'))
  return message.senderId === me ? `You: ${preview}` : preview
}
