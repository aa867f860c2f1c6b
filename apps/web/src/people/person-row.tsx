import type { PublicUser } from '@sotto/sdk'
import { useMutation } from '@tanstack/react-query'
import { Link } from 'wouter'
import { Avatar } from '../ui/avatar.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmButton } from '../ui/confirm-button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { nameOf } from '../ui/names.ts'

export interface PersonAction {
  label: string
  run: () => Promise<unknown>
  /** A confirmation question, for actions that the user cannot undo. */
  question?: string
}

/** A user in a list, linked to their conversation, with actions. */
export function PersonRow({
  user,
  note,
  actions,
}: {
  user: PublicUser
  /** Shown next to the name, for example a role. */
  note?: string
  actions: readonly PersonAction[]
}) {
  const attempt = useMutation({ mutationFn: (action: PersonAction) => action.run() })
  const name = nameOf(user)
  return (
    <li className="person">
      <Avatar name={name} />
      <Link href={`/with/${user.username}`} dir="auto">
        {name}
        <span className="hint" dir="ltr">
          @{user.username}
        </span>
      </Link>
      {note && <span className="role">{note}</span>}
      {actions.length > 0 && (
        <div className="button-row">
          {actions.map((action) =>
            action.question !== undefined ? (
              <ConfirmButton
                key={action.label}
                label={action.label}
                question={action.question}
                of={name}
                variant="quiet"
                isBusy={attempt.isPending}
                onConfirm={() => attempt.mutate(action)}
              />
            ) : (
              <Button
                key={action.label}
                variant="quiet"
                aria-label={`${action.label}: ${name}`}
                isBusy={attempt.isPending}
                onPress={() => attempt.mutate(action)}
              >
                {action.label}
              </Button>
            ),
          )}
        </div>
      )}
      <p role="status" className={attempt.error ? 'error' : 'visually-hidden'}>
        {attempt.error ? errorMessage(attempt.error) : attempt.isSuccess && 'Done.'}
      </p>
    </li>
  )
}
