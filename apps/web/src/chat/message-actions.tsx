import type { Messages } from '@sotto/react'
import type { SentMessage } from '@sotto/sdk'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { EmojiForm } from './emoji-form.tsx'

interface Props {
  message: SentMessage
  conversation: Pick<Messages, 'react' | 'delete'>
  onEdit: () => void
}

/** What can be done with a message; shown while it is pointed at, or holds the focus. */
export function MessageActions({ message, conversation, onEdit }: Props) {
  const [asks, setAsks] = useState<'emoji' | 'delete'>()
  const close = () => setAsks(undefined)
  const { id, isMine, text } = message
  // What fails shows in that nothing changes; the connection's state is told elsewhere.
  const react = (emoji: string) => void conversation.react(id, emoji).then(close, close)
  if (asks === 'emoji') return <EmojiForm onChoose={react} onCancel={close} />
  if (asks === 'delete') {
    return (
      <p className="actions asked">
        Delete it for everybody?
        <Button look="danger" autoFocus onPress={() => void conversation.delete(id).then(close, close)}>
          Delete
        </Button>
        <Button onPress={close}>Keep</Button>
      </p>
    )
  }
  return (
    <p className="actions">
      <Button look="quiet" aria-label="Like" onPress={() => react('👍')}>
        👍
      </Button>
      <Button look="quiet" onPress={() => setAsks('emoji')}>
        React
      </Button>
      {isMine && text !== null && (
        <Button look="quiet" onPress={onEdit}>
          Edit
        </Button>
      )}
      {isMine && (
        <Button look="quiet" onPress={() => setAsks('delete')}>
          Delete
        </Button>
      )}
    </p>
  )
}
