import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { Link, useLocation, useSearchParams } from 'wouter'
import { Logo } from '../ui/logo.tsx'
import { AccountForm, type NewAccount } from './account-form.tsx'

/**
 * The sign-up page. `?invitation=` takes an invitation token.
 *
 * @param onDone called after signing in with the new account
 */
export function SignUp({ onDone }: { onDone: () => Promise<void> }) {
  const sotto = useSotto()
  const [parameters] = useSearchParams()
  const [, navigate] = useLocation()
  const attempt = useMutation({
    async mutationFn(account: NewAccount) {
      const invitation = parameters.get('invitation') ?? undefined
      await sotto.users.create({ ...account, ...(invitation && { invitation }) })
      const { username, password } = account
      await sotto.sessions.create({ username, password, cookie: true })
    },
    async onSuccess() {
      navigate('/')
      await onDone()
    },
  })
  return (
    <main className="auth-page">
      <Logo />
      <div className="card">
        <h1>Create account</h1>
        <AccountForm error={attempt.error} isBusy={attempt.isPending} onSubmit={attempt.mutate} />
      </div>
      <p>
        Already have an account? <Link href="/">Sign in</Link>
      </p>
    </main>
  )
}
