import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { Link } from 'wouter'
import { useSession } from '../session/me.ts'
import { Avatar } from '../ui/avatar.tsx'
import { BackLink } from '../ui/back-link.tsx'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { nameOf } from '../ui/names.ts'
import { Password } from './password.tsx'
import { Profile } from './profile.tsx'
import { Sessions } from './sessions.tsx'
import { TwoFactor } from './two-factor.tsx'

/** One's account, and the way out. */
export function Settings() {
  const sotto = useSotto()
  const { me, forget } = useSession()
  const leaving = useMutation({ mutationFn: () => sotto.sessions.end(), onSuccess: forget })
  return (
    <main className="page" aria-label="Settings">
      <header>
        <BackLink />
        <h2>Settings</h2>
      </header>
      <section aria-label="You">
        <div className="person">
          <Avatar name={nameOf(me)} />
          <p>
            <strong dir="auto">{nameOf(me)}</strong>
            <span className="hint" dir="ltr">
              @{me.username}
            </span>
          </p>
          <Button onPress={() => leaving.mutate()} isBusy={leaving.isPending}>
            Sign out
          </Button>
        </div>
        {me.role === 'admin' && (
          <p>
            You are an admin: <Link href="/console">look after this installation</Link>.
          </p>
        )}
        {leaving.error && (
          <p role="alert" className="error">
            {errorMessage(leaving.error)}
          </p>
        )}
      </section>
      <Profile />
      <Password />
      <TwoFactor />
      <Sessions />
    </main>
  )
}
