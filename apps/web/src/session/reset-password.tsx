import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { Logo } from '../ui/logo.tsx'
import { linkToken } from './link-token.ts'

const resetToken = linkToken(/pr_[\w-]+/, 'sotto/reset-token')

/** Sets a new password with the token of a reset link, `/reset#…`. */
export function ResetPassword() {
  const sotto = useSotto()
  const [token] = useState(resetToken.take)
  const [newPassword, setNewPassword] = useState('')
  const attempt = useMutation({
    mutationFn: (given: string) => sotto.passwords.reset({ token: given, newPassword }),
    onSuccess: resetToken.forget,
  })
  if (attempt.isSuccess) {
    return (
      <ResetCard>
        <p role="status">Your password was changed.</p>
      </ResetCard>
    )
  }
  if (token === undefined) {
    return (
      <ResetCard>
        <p role="alert" className="error">
          This link is incomplete. Ask an admin for a new one.
        </p>
      </ResetCard>
    )
  }
  return (
    <ResetCard>
      <Form fields={['newPassword']} error={attempt.error} onSubmit={() => attempt.mutate(token)}>
        <Field
          name="newPassword"
          label="New password"
          hint="At least 8 characters."
          type="password"
          autoComplete="new-password"
          isRequired
          minLength={8}
          autoFocus
          value={newPassword}
          onChange={setNewPassword}
        />
        <Button type="submit" variant="primary" isBusy={attempt.isPending}>
          Change password
        </Button>
      </Form>
    </ResetCard>
  )
}

function ResetCard({ children }: { children: ReactNode }) {
  return (
    <main className="auth-page">
      <Logo />
      <div className="card">
        <h1>Reset password</h1>
        {children}
      </div>
      <p>
        <Link href="/">Sign in</Link>
      </p>
    </main>
  )
}
