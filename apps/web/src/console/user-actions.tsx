import { useSotto } from '@sotto/react'
import type { RouterOutputs } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmButton } from '../ui/confirm-button.tsx'
import { downloadUserData } from './download-user-data.ts'
import { OneTimeSecret } from './one-time-secret.tsx'
import { ServerError } from './query-status.tsx'
import { Section } from './section.tsx'
import { CONSOLE } from './use-paged-query.ts'

interface Action {
  /** Shown after the action succeeds. */
  message: string
  run: () => Promise<unknown>
}

/** The admin actions on a user. All except enabling ask for confirmation. */
export function UserActions({ account }: { account: RouterOutputs['users']['account'] }) {
  const sotto = useSotto()
  const { id, username, disabled, role, secondFactor } = account
  const me = useMe()
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const [resetToken, setResetToken] = useState<string>()
  const action = useMutation({
    mutationFn: ({ run }: Action) => run(),
    onSuccess: () => queries.invalidateQueries({ queryKey: [CONSOLE] }),
  })
  const act = (message: string, run: Action['run']) => () => action.mutate({ message, run })
  const isBusy = action.isPending
  const isMe = id === me.id && 'This is your own account. '
  const user = id
  return (
    <Section title="Actions">
      <ServerError error={action.error} />
      <p role="status" className="hint">
        {action.isSuccess && action.variables.message}
      </p>
      {resetToken !== undefined && (
        <OneTimeSecret
          label={`Send this link to ${username}. It sets a new password, can be used once and expires in an hour.`}
          secret={`${window.location.origin}/reset#${resetToken}`}
          onDone={() => setResetToken(undefined)}
        />
      )}
      <div className="button-group">
        <ConfirmButton
          label="Reset password"
          variant="plain"
          question={`Create a password reset link for ${username}?`}
          isBusy={isBusy}
          onConfirm={act('Reset link created.', async () => {
            setResetToken((await sotto.passwords.issueReset({ user })).token)
          })}
        >
          Their current password keeps working until the link is used. Earlier reset links stop working.
        </ConfirmButton>
        {secondFactor && (
          <ConfirmButton
            label="Turn off two-factor authentication"
            question={`Turn off two-factor authentication for ${username}?`}
            isBusy={isBusy}
            onConfirm={act('Two-factor authentication turned off.', () => sotto.totp.remove({ user }))}
          >
            They will be able to sign in with only their password.
          </ConfirmButton>
        )}
        <ConfirmButton
          label="Sign out everywhere"
          question={`Sign ${username} out everywhere?`}
          isBusy={isBusy}
          onConfirm={act('Signed out everywhere.', () => sotto.sessions.endAllOf({ user }))}
        >
          {isMe}They can sign in again.
        </ConfirmButton>
        {disabled ? (
          <Button
            isBusy={isBusy}
            onPress={act('Account enabled.', () => sotto.users.setDisabled({ user, disabled: false }))}
          >
            Enable
          </Button>
        ) : (
          <ConfirmButton
            label="Disable"
            question={`Disable ${username}?`}
            isBusy={isBusy}
            onConfirm={act('Account disabled.', () => sotto.users.setDisabled({ user, disabled: true }))}
          >
            {isMe}They will be signed out and can't sign in until the account is enabled again. Their messages
            are kept.
          </ConfirmButton>
        )}
        {role === 'admin' ? (
          <ConfirmButton
            label="Remove admin access"
            question={`Remove admin access from ${username}?`}
            isBusy={isBusy}
            onConfirm={act('Admin access removed.', () => sotto.users.setRole({ user, role: 'user' }))}
          >
            {isMe}
          </ConfirmButton>
        ) : (
          <ConfirmButton
            label="Make admin"
            question={`Make ${username} an admin of this server?`}
            isBusy={isBusy}
            onConfirm={act('Admin access granted.', () => sotto.users.setRole({ user, role: 'admin' }))}
          >
            They will be able to do everything you can do here.
          </ConfirmButton>
        )}
        <ConfirmButton
          label="Export"
          variant="plain"
          question={`Download all data of ${username}?`}
          isBusy={isBusy}
          onConfirm={act('Data downloaded.', () => downloadUserData(sotto, user, username))}
        >
          Includes the messages they sent and can read. The export is recorded in the audit log.
        </ConfirmButton>
        <ConfirmButton
          label="Erase"
          question={`Erase ${username}?`}
          confirmationText={username}
          isBusy={isBusy}
          onConfirm={act('User erased.', async () => {
            await sotto.users.erase({ user })
            navigate('/console/users')
          })}
        >
          {isMe}The account is deleted immediately, and all their messages and activity within minutes. This
          can't be undone.
        </ConfirmButton>
      </div>
    </Section>
  )
}
