import type { Messages } from '@sotto/react'
import type { SentMessage } from '@sotto/sdk'
import { ToggleButton } from 'react-aria-components/ToggleButton'

interface Props {
  message: SentMessage
  conversation: Pick<Messages, 'react' | 'unreact'>
}

/** The reactions to a message. Pressing one adds or removes the user's own. */
export function Reactions({ message, conversation }: Props) {
  if (message.reactions.length === 0) return null
  return (
    <ul className="reactions" aria-label="Reactions">
      {message.reactions.map(({ emoji, count, byMe }) => (
        <li key={emoji}>
          <ToggleButton
            isSelected={byMe}
            onChange={(isSelected) => {
              const change = isSelected ? conversation.react : conversation.unreact
              change(message.id, emoji).catch(() => {})
            }}
          >
            {emoji} {count}
          </ToggleButton>
        </li>
      ))}
    </ul>
  )
}
