import type { Messages } from '@sotto/react'
import type { SentMessage } from '@sotto/sdk'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'

interface Props {
  message: SentMessage
  edit: Messages['edit']
  onDone: () => void
}

/** Edits one of the user's own messages. Enter saves, Escape cancels. */
export function MessageEditor({ message, edit, onDone }: Props) {
  const [text, setText] = useState(message.text ?? '')
  const attempt = useMutation({ mutationFn: () => edit(message.id, text), onSuccess: onDone })
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault()
        attempt.mutate()
      }}
    >
      <TextField aria-label="Edit message" value={text} onChange={setText}>
        <TextArea
          dir="auto"
          autoFocus
          onKeyDown={(event) => {
            if (event.key === 'Escape') onDone()
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
            event.preventDefault()
            attempt.mutate()
          }}
        />
      </TextField>
      {attempt.error && (
        <p role="alert" className="error">
          {errorMessage(attempt.error)}
        </p>
      )}
      <Button type="submit" variant="primary" isBusy={attempt.isPending}>
        Save
      </Button>
      <Button onPress={onDone}>Cancel</Button>
    </form>
  )
}
