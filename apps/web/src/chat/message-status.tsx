import type { Messages } from '@sotto/react'
import type { LiveMessage } from '@sotto/sdk'

interface Props {
  message: LiveMessage
  conversation: Pick<Messages, 'kind' | 'readMarks' | 'participantCount'>
}

/** The delivery status of one of the user's own messages. */
export function MessageStatus({ message, conversation }: Props) {
  const [symbol, label] = statusOf(message, conversation)
  return (
    <span className={`status ${label === 'delivered' || label === 'sent' ? '' : 'seen'}`}>
      <span aria-hidden="true">{symbol}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  )
}

function statusOf(
  message: LiveMessage,
  { kind, readMarks, participantCount }: Props['conversation'],
): [symbol: string, label: string] {
  if (message.status !== 'sent') {
    return message.status === 'pending' ? ['◷', 'sending'] : ['!', 'not sent']
  }
  if (kind === 'group') {
    const readers = readMarks.filter(({ readSeq }) => readSeq >= message.seq).length
    return readers === 0 ? ['✓', 'sent'] : [`✓✓ ${readers}`, `read by ${readers} of ${participantCount - 1}`]
  }
  if (message.readAt) return ['✓✓', 'read']
  return message.deliveredAt ? ['✓✓', 'delivered'] : ['✓', 'sent']
}
