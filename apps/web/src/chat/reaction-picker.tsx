import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

/** The usual ones; every other can be typed, as keyboards and systems let people do. */
const USUAL = ['👍', '❤️', '😂', '😮', '😢', '🎉']

interface Props {
  onChoose: (emoji: string) => Promise<unknown>
  onDone: () => void
}

export function ReactionPicker({ onChoose, onDone }: Props) {
  const [emoji, setEmoji] = useState('')
  const attempt = useMutation({ mutationFn: onChoose, onSuccess: onDone })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes whatever in it has the focus.
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
        aria-label="React to the message"
      >
        {USUAL.map((one) => (
          <Button key={one} look="icon" onPress={() => attempt.mutate(one)} isBusy={attempt.isPending}>
            <span className="emoji">{one}</span>
          </Button>
        ))}
        <Field name="emoji" label="Any emoji" isRequired value={emoji} onChange={setEmoji} autoFocus />
        <Button type="submit" isBusy={attempt.isPending}>
          React
        </Button>
        <Button look="quiet" onPress={onDone}>
          Cancel
        </Button>
      </Form>
    </div>
  )
}
