import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { Logo } from '../ui/logo.tsx'
import { AccountForm, type NewAccount } from './account-form.tsx'
import { forgetInvitation, takeInvitation } from './invitation.ts'

/**
 * The sign-up page. The fragment can be an invitation's token.
 *
 * @param onDone called after signing in with the new account
 */
export function SignUp({ onDone }: { onDone: () => Promise<void> }) {
  const sotto = useSotto()
  const [invitation] = useState(takeInvitation)
  const [, navigate] = useLocation()
  const attempt = useMutation({
    async mutationFn(account: NewAccount) {
      await sotto.users.create({ ...account, ...(invitation && { invitation }) })
      const { username, password } = account
      await sotto.sessions.create({ username, password, cookie: true })
    },
    async onSuccess() {
      forgetInvitation()
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
