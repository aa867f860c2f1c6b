import type { SentMessage } from '@sotto/sdk'
import { Button } from 'react-aria-components/Button'
import { Icon } from '../ui/icons.tsx'

/** The form that is open below a message. */
export type MessageTask = 'edit' | 'emoji' | 'delete'

interface Props {
  message: SentMessage
  onLike: () => void
  onTask: (task: MessageTask) => void
}

/** A message's toolbar, shown on hover and focus. */
export function MessageActions({ message: { isMine, text }, onLike, onTask }: Props) {
  return (
    <div className="actions" role="toolbar" aria-label="Message actions">
      <Button className="button icon more" aria-label="More">
        <Icon name="more" />
      </Button>
      <Button className="button icon" aria-label="Like" onPress={onLike}>
        👍
      </Button>
      <Button className="button icon" aria-label="React" onPress={() => onTask('emoji')}>
        <Icon name="react" />
      </Button>
      {isMine && text !== null && (
        <Button className="button icon" aria-label="Edit" onPress={() => onTask('edit')}>
          <Icon name="edit" />
        </Button>
      )}
      {isMine && (
        <Button className="button icon" aria-label="Delete" onPress={() => onTask('delete')}>
          <Icon name="trash" />
        </Button>
      )}
    </div>
  )
}
