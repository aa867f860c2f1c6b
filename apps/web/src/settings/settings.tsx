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

/** Account settings and signing out. */
export function Settings() {
  const sotto = useSotto()
  const { me, reset } = useSession()
  const signOut = useMutation({ mutationFn: () => sotto.sessions.end(), onSuccess: reset })
  return (
    <main className="page" aria-label="Settings">
      <header>
        <BackLink />
        <h2>Settings</h2>
      </header>
      <section aria-label="Account">
        <div className="person">
          <Avatar name={nameOf(me)} />
          <p>
            <strong dir="auto">{nameOf(me)}</strong>
            <span className="hint" dir="ltr">
              @{me.username}
            </span>
          </p>
          <Button onPress={() => signOut.mutate()} isBusy={signOut.isPending}>
            Sign out
          </Button>
        </div>
        {me.role === 'admin' && (
          <p>
            You're an admin. <Link href="/console">Open the console</Link>
          </p>
        )}
        {signOut.error && (
          <p role="alert" className="error">
            {errorMessage(signOut.error)}
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
