import { useMutation } from '@tanstack/react-query'
import { Link } from 'wouter'
import { useSession } from '../session/me.ts'
import { sotto } from '../sotto.ts'
import { Button } from '../ui/button.tsx'
import { nameOf } from '../ui/names.ts'
import { wordsOf } from '../ui/words-of.ts'
import { SecondFactor } from './second-factor.tsx'

/** One's account, and the way out. */
export function Settings() {
  const { me, forget } = useSession()
  const leaving = useMutation({ mutationFn: () => sotto.sessions.end(), onSuccess: forget })
  return (
    <main className="page" aria-label="Settings">
      <header>
        <Link href="/" className="back" aria-label="Back to the conversations">
          ‹
        </Link>
        <h2>Settings</h2>
      </header>
      <section>
        <p>
          You are <strong dir="auto">{nameOf(me)}</strong> (@{me.username}).
        </p>
        {me.role === 'admin' && (
          <p>
            You are an admin: <Link href="/console">look after this installation</Link>.
          </p>
        )}
        {leaving.error && (
          <p role="alert" className="wrong">
            {wordsOf(leaving.error)}
          </p>
        )}
        <Button onPress={() => leaving.mutate()} isBusy={leaving.isPending}>
          Sign out
        </Button>
      </section>
      <SecondFactor />
    </main>
  )
}
