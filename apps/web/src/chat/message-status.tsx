import type { Messages } from '@sotto/react'
import type { LiveMessage } from '@sotto/sdk'

interface Props {
  message: LiveMessage
  conversation: Pick<Messages, 'kind' | 'readMarks' | 'participantCount'>
}

/** How far one's own message has come. */
export function MessageStatus({ message, conversation }: Props) {
  const [sign, words] = standing(message, conversation)
  return (
    <span className={`status ${words === 'delivered' || words === 'sent' ? '' : 'seen'}`}>
      <span aria-hidden="true">{sign}</span>
      <span className="visually-hidden">{words}</span>
    </span>
  )
}

function standing(
  message: LiveMessage,
  { kind, readMarks, participantCount }: Props['conversation'],
): [sign: string, words: string] {
  if (message.status !== 'sent') {
    return message.status === 'pending' ? ['◷', 'waits to be sent'] : ['!', 'was not sent']
  }
  if (kind === 'group') {
    const readers = readMarks.filter(({ readSeq }) => readSeq >= message.seq).length
    return readers === 0 ? ['✓', 'sent'] : [`✓✓ ${readers}`, `read by ${readers} of ${participantCount - 1}`]
  }
  if (message.readAt) return ['✓✓', 'read']
  return message.deliveredAt ? ['✓✓', 'delivered'] : ['✓', 'sent']
}
