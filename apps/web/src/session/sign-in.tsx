import { useSotto } from '@sotto/react'
import type { SottoClient } from '@sotto/sdk'
import { SottoError } from '@sotto/sdk'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { Logo } from '../ui/logo.tsx'
import { FirstAccountHint } from './first-account-hint.tsx'

interface Credentials {
  username: string
  password: string
  code: string
}

async function signIn(sotto: SottoClient, { username, password, code }: Credentials): Promise<void> {
  const trimmed = code.trim()
  const secondFactor =
    trimmed === '' ? {} : isAppCode(trimmed) ? { code: trimmed } : { recoveryCode: trimmed }
  await sotto.sessions.create({ username, password, cookie: true, ...secondFactor })
}

/** Authenticator apps show six digits. Anything else is a recovery code. */
function isAppCode(code: string): boolean {
  return /^\d{6}$/.test(code.trim())
}

/** @param onDone called after signing in */
export function SignIn({ onDone }: { onDone: () => Promise<void> }) {
  const [values, setValues] = useState<Credentials>({ username: '', password: '', code: '' })
  const set = (name: keyof Credentials) => (value: string) =>
    setValues((current) => ({ ...current, [name]: value }))
  const sotto = useSotto()
  const attempt = useMutation({
    mutationFn: (credentials: Credentials) => signIn(sotto, credentials),
    onSuccess: onDone,
  })
  const codeRequired = attempt.error instanceof SottoError && attempt.error.code === 'SECOND_FACTOR_REQUIRED'
  const [showsCode, setShowsCode] = useState(false)
  if (codeRequired && !showsCode) setShowsCode(true)
  // If no code was given, the server's request for one is not shown as an error.
  const showsError = attempt.error && !(codeRequired && values.code === '')
  return (
    <main className="auth-page">
      <Logo />
      <FirstAccountHint />
      <div className="card">
        <h1>Sign in</h1>
        <Form
          fields={['username', 'password', 'code', 'recoveryCode']}
          error={showsError ? attempt.error : undefined}
          onSubmit={() => attempt.mutate(values)}
        >
          <Field
            name="username"
            label="Username"
            autoComplete="username"
            isRequired
            autoFocus
            value={values.username}
            onChange={set('username')}
          />
          <Field
            name="password"
            label="Password"
            type="password"
            autoComplete="current-password"
            isRequired
            value={values.password}
            onChange={set('password')}
          />
          {showsCode && (
            <Field
              name={isAppCode(values.code) ? 'code' : 'recoveryCode'}
              label="Code"
              hint="From your authenticator app, or one of your recovery codes."
              autoComplete="one-time-code"
              isRequired
              autoFocus
              value={values.code}
              onChange={set('code')}
            />
          )}
          <Button type="submit" variant="primary" isBusy={attempt.isPending}>
            Sign in
          </Button>
        </Form>
      </div>
      <p>
        New here? <Link href="/sign-up">Create account</Link>
      </p>
    </main>
  )
}
