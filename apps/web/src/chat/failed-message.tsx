import type { Messages, Send } from '@sotto/react'
import type { UnsentMessage } from '@sotto/sdk'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { nameOf, otherUser } from '../ui/names.ts'

interface Props {
  message: UnsentMessage
  conversation: Pick<Messages, 'kind' | 'participants'>
  retry: Send['retry']
  discard: Send['discard']
}

/** The reason why a message was not sent, with buttons to send it again or discard it. */
export function FailedMessage({ message: { clientMessageId, error }, conversation, retry, discard }: Props) {
  const me = useMe()
  const other = conversation.kind === 'direct' ? otherUser(conversation, me.id) : undefined
  const isForbidden = error?.code === 'FORBIDDEN'
  return (
    <p role="alert" className="failed">
      {isForbidden && other ? `You can't message ${nameOf(other)}.` : errorMessage(error)}{' '}
      <Button onPress={() => retry(clientMessageId)}>Try again</Button>
      <Button onPress={() => discard(clientMessageId)}>Discard</Button>
    </p>
  )
}
