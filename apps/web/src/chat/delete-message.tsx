import { useMutation } from '@tanstack/react-query'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'

interface Props {
  /** Deletes the message for everybody. */
  onDelete: () => Promise<unknown>
  onDone: () => void
}

/** Asks before a message goes, because nothing brings it back. */
export function DeleteMessage({ onDelete, onDone }: Props) {
  const attempt = useMutation({ mutationFn: onDelete, onSuccess: onDone })
  return (
    <fieldset aria-label="Delete the message" className="message-form">
      <p>Delete it for everybody?</p>
      <Button look="danger" autoFocus onPress={() => attempt.mutate()} isBusy={attempt.isPending}>
        Delete
      </Button>
      <Button onPress={onDone}>Keep</Button>
      {attempt.error && (
        <p role="alert" className="error">
          {errorMessage(attempt.error)}
        </p>
      )}
    </fieldset>
  )
}
