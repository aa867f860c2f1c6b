import { SottoError } from '@sotto/sdk'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { Link } from 'wouter'
import { sotto } from '../sotto.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { wordsOf } from '../ui/words-of.ts'

interface Answers {
  username: string
  password: string
  code: string
}

async function signIn({ username, password, code }: Answers): Promise<void> {
  // A code of six digits is an app's, everything else is one of the recovery codes.
  const isAppCode = /^\d{6}$/.test(code.trim())
  const second = code === '' ? {} : isAppCode ? { code: code.trim() } : { recoveryCode: code.trim() }
  await sotto.sessions.create({ username, password, cookie: true, ...second })
}

/** @param onDone called when somebody is logged in */
export function SignIn({ onDone }: { onDone: () => Promise<void> }) {
  const [answers, setAnswers] = useState<Answers>({ username: '', password: '', code: '' })
  const set = (name: keyof Answers) => (value: string) =>
    setAnswers((before) => ({ ...before, [name]: value }))
  const attempt = useMutation({ mutationFn: signIn, onSuccess: onDone })
  const isAsking = attempt.error instanceof SottoError && attempt.error.code === 'SECOND_FACTOR_REQUIRED'
  const [asksForCode, setAsksForCode] = useState(false)
  if (isAsking && !asksForCode) setAsksForCode(true)
  // The first time it is a question, and not a mistake.
  const isMistake = attempt.error && !(isAsking && answers.code === '')
  return (
    <main className="entrance">
      <h1>Sign in</h1>
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          attempt.mutate(answers)
        }}
      >
        <Field
          label="Username"
          autoComplete="username"
          isRequired
          autoFocus
          value={answers.username}
          onChange={set('username')}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          isRequired
          value={answers.password}
          onChange={set('password')}
        />
        {asksForCode && (
          <Field
            label="Code"
            hint="From your authenticator app, or one of your recovery codes."
            autoComplete="one-time-code"
            isRequired
            autoFocus
            value={answers.code}
            onChange={set('code')}
          />
        )}
        {isMistake && (
          <p role="alert" className="wrong">
            {wordsOf(attempt.error)}
          </p>
        )}
        <Button type="submit" look="primary" isBusy={attempt.isPending}>
          Sign in
        </Button>
      </Form>
      <p>
        New here? <Link href="/sign-up">Make an account</Link>
      </p>
    </main>
  )
}
