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

interface Act {
  done: string
  run: () => Promise<unknown>
}

/** What an admin can do about a user. All of it is asked for twice, but for what takes nothing from anybody. */
export function UserActions({ account }: { account: RouterOutputs['users']['account'] }) {
  const sotto = useSotto()
  const { id, username, disabled, role, secondFactor } = account
  const me = useMe()
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const [resetToken, setResetToken] = useState<string>()
  const act = useMutation({
    mutationFn: ({ run }: Act) => run(),
    onSuccess: () => queries.invalidateQueries({ queryKey: [CONSOLE] }),
  })
  const does = (done: string, run: Act['run']) => () => act.mutate({ done, run })
  const isBusy = act.isPending
  const isMe = id === me.id && 'This is you. '
  const user = id
  return (
    <Section title="What you can do">
      <ServerError error={act.error} />
      <p role="status" className="hint">
        {act.isSuccess && act.variables.done}
      </p>
      {resetToken !== undefined && (
        <OneTimeSecret
          what={`Hand this token to ${username}: it sets a password, once, within an hour.`}
          secret={resetToken}
          onDone={() => setResetToken(undefined)}
        />
      )}
      <div className="button-group">
        <ConfirmButton
          label="Reset the password"
          look="plain"
          question={`Make a token that sets the password of ${username}?`}
          isBusy={isBusy}
          onConfirm={does('There is a token.', async () => {
            setResetToken((await sotto.passwords.issueReset({ user })).token)
          })}
        >
          Their password stays until it is used. A token from before is worth nothing then.
        </ConfirmButton>
        {secondFactor && (
          <ConfirmButton
            label="Turn the second factor off"
            question={`Turn the second factor of ${username} off?`}
            isBusy={isBusy}
            onConfirm={does('It is off.', () => sotto.totp.remove({ user }))}
          >
            From then on their password alone logs them in.
          </ConfirmButton>
        )}
        <ConfirmButton
          label="Log out everywhere"
          question={`Log ${username} out everywhere?`}
          isBusy={isBusy}
          onConfirm={does('They are logged out.', () => sotto.sessions.endAllOf({ user }))}
        >
          {isMe}They can log in again.
        </ConfirmButton>
        {disabled ? (
          <Button
            isBusy={isBusy}
            onPress={does('They can log in.', () => sotto.users.setDisabled({ user, disabled: false }))}
          >
            Enable
          </Button>
        ) : (
          <ConfirmButton
            label="Disable"
            question={`Disable ${username}?`}
            isBusy={isBusy}
            onConfirm={does('They cannot log in.', () => sotto.users.setDisabled({ user, disabled: true }))}
          >
            {isMe}They are logged out, and cannot log in until they are enabled again. What they have said
            stays.
          </ConfirmButton>
        )}
        {role === 'admin' ? (
          <ConfirmButton
            label="Take the admin role away"
            question={`Is ${username} to be no admin any more?`}
            isBusy={isBusy}
            onConfirm={does('They are no admin.', () => sotto.users.setRole({ user, role: 'user' }))}
          >
            {isMe}
          </ConfirmButton>
        ) : (
          <ConfirmButton
            label="Make an admin"
            question={`Make ${username} an admin of this installation?`}
            isBusy={isBusy}
            onConfirm={does('They are an admin.', () => sotto.users.setRole({ user, role: 'admin' }))}
          >
            They can do everything that you can do here.
          </ConfirmButton>
        )}
        <ConfirmButton
          label="Export"
          look="plain"
          question={`Download everything of ${username}?`}
          isBusy={isBusy}
          onConfirm={does('It is downloaded.', () => downloadUserData(sotto, user, username))}
        >
          What they have said and may read is in it. That it was exported goes into the audit.
        </ConfirmButton>
        <ConfirmButton
          label="Erase"
          question={`Erase ${username}?`}
          typed={username}
          isBusy={isBusy}
          onConfirm={does('They are erased.', async () => {
            await sotto.users.erase({ user })
            navigate('/console/users')
          })}
        >
          {isMe}The account goes at once, and everything that they have said and done within minutes. There is
          no way back.
        </ConfirmButton>
      </div>
    </Section>
  )
}
