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

interface Answers {
  username: string
  password: string
  code: string
}

async function signIn(sotto: SottoClient, { username, password, code }: Answers): Promise<void> {
  const given = code.trim()
  const second = given === '' ? {} : isAppCode(given) ? { code: given } : { recoveryCode: given }
  await sotto.sessions.create({ username, password, cookie: true, ...second })
}

/** A code of six digits is an app's, everything else is one of the recovery codes. */
function isAppCode(code: string): boolean {
  return /^\d{6}$/.test(code.trim())
}

/** @param onDone called when somebody is logged in */
export function SignIn({ onDone }: { onDone: () => Promise<void> }) {
  const [answers, setAnswers] = useState<Answers>({ username: '', password: '', code: '' })
  const set = (name: keyof Answers) => (value: string) =>
    setAnswers((before) => ({ ...before, [name]: value }))
  const sotto = useSotto()
  const attempt = useMutation({ mutationFn: (given: Answers) => signIn(sotto, given), onSuccess: onDone })
  const isAsking = attempt.error instanceof SottoError && attempt.error.code === 'SECOND_FACTOR_REQUIRED'
  const [asksForCode, setAsksForCode] = useState(false)
  if (isAsking && !asksForCode) setAsksForCode(true)
  // The first time it is a question, and not a mistake.
  const isMistake = attempt.error && !(isAsking && answers.code === '')
  return (
    <main className="auth-page">
      <Logo />
      <FirstAccountHint />
      <div className="card">
        <h1>Sign in</h1>
        <Form
          fields={['username', 'password', 'code', 'recoveryCode']}
          error={isMistake ? attempt.error : undefined}
          onSubmit={() => attempt.mutate(answers)}
        >
          <Field
            name="username"
            label="Username"
            autoComplete="username"
            isRequired
            autoFocus
            value={answers.username}
            onChange={set('username')}
          />
          <Field
            name="password"
            label="Password"
            type="password"
            autoComplete="current-password"
            isRequired
            value={answers.password}
            onChange={set('password')}
          />
          {asksForCode && (
            <Field
              name={isAppCode(answers.code) ? 'code' : 'recoveryCode'}
              label="Code"
              hint="From your authenticator app, or one of your recovery codes."
              autoComplete="one-time-code"
              isRequired
              autoFocus
              value={answers.code}
              onChange={set('code')}
            />
          )}
          <Button type="submit" look="primary" isBusy={attempt.isPending}>
            Sign in
          </Button>
        </Form>
      </div>
      <p>
        New here? <Link href="/sign-up">Make an account</Link>
      </p>
    </main>
  )
}
