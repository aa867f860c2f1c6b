import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'

/** The usual ones; every other can be typed, as keyboards and systems let people do. */
const USUAL = ['👍', '❤️', '😂', '😮', '😢', '🎉']

interface Props {
  onChoose: (emoji: string) => void
  onCancel: () => void
}

export function EmojiForm({ onChoose, onCancel }: Props) {
  const [emoji, setEmoji] = useState('')
  return (
    <form
      className="actions asked"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel()
      }}
      onSubmit={(event) => {
        event.preventDefault()
        if (emoji.trim()) onChoose(emoji.trim())
      }}
    >
      {USUAL.map((one) => (
        <Button key={one} look="quiet" onPress={() => onChoose(one)}>
          {one}
        </Button>
      ))}
      <Field label="Any emoji" value={emoji} onChange={setEmoji} autoFocus />
      <Button type="submit">React</Button>
      <Button onPress={onCancel}>Cancel</Button>
    </form>
  )
}
