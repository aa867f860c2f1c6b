import { useMutation } from '@tanstack/react-query'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'

interface Props {
  /** Deletes the message for everyone. */
  onDelete: () => Promise<unknown>
  onDone: () => void
}

/** Asks for confirmation: a deleted message cannot be restored. */
export function DeleteMessage({ onDelete, onDone }: Props) {
  const attempt = useMutation({ mutationFn: onDelete, onSuccess: onDone })
  return (
    <fieldset aria-label="Delete message" className="message-form">
      <p>Delete for everyone?</p>
      <Button variant="danger" autoFocus onPress={() => attempt.mutate()} isBusy={attempt.isPending}>
        Delete
      </Button>
      <Button onPress={onDone}>Cancel</Button>
      {attempt.error && (
        <p role="alert" className="error">
          {errorMessage(attempt.error)}
        </p>
      )}
    </fieldset>
  )
}
