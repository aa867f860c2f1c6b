import { useTyping } from '@sotto/react'
import type { ConversationTarget, Participant } from '@sotto/sdk'
import { nameOf } from '../ui/names.ts'

interface Props {
  target: ConversationTarget
  participants: readonly Participant[]
}

/** Shows who is typing. The line always takes up space, so that the layout does not shift. */
export function TypingIndicator({ target, participants }: Props) {
  const { typing } = useTyping(target)
  const names = participants.flatMap(({ user }) => (typing.includes(user.id) ? nameOf(user) : []))
  return (
    <p role="status" className="typing">
      {names.length > 0 && `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} typing…`}
    </p>
  )
}
