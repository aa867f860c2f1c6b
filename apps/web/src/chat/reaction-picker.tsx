import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

/** Shown as buttons. Any other emoji can be typed. */
const QUICK_REACTIONS = ['👍', '❤️', '😂', '😮', '😢', '🎉']

interface Props {
  onChoose: (emoji: string) => Promise<unknown>
  onDone: () => void
}

export function ReactionPicker({ onChoose, onDone }: Props) {
  const [emoji, setEmoji] = useState('')
  const attempt = useMutation({ mutationFn: onChoose, onSuccess: onDone })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the picker from any of its elements.
    <div
      onKeyDown={(event) => {
        if (event.key === 'Escape') onDone()
      }}
    >
      <Form
        fields={['emoji']}
        error={attempt.error}
        onSubmit={() => attempt.mutate(emoji.trim())}
        className="message-form"
        aria-label="React to message"
      >
        {QUICK_REACTIONS.map((reaction) => (
          <Button
            key={reaction}
            variant="icon"
            onPress={() => attempt.mutate(reaction)}
            isBusy={attempt.isPending}
          >
            <span className="emoji">{reaction}</span>
          </Button>
        ))}
        <Field name="emoji" label="Any emoji" isRequired value={emoji} onChange={setEmoji} autoFocus />
        <Button type="submit" isBusy={attempt.isPending}>
          React
        </Button>
        <Button variant="quiet" onPress={onDone}>
          Cancel
        </Button>
      </Form>
    </div>
  )
}
