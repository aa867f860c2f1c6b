import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { Link, useLocation, useSearchParams } from 'wouter'
import { sotto } from '../sotto.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { wordsOf } from '../ui/words-of.ts'

interface Answers {
  username: string
  displayName: string
  password: string
}

/**
 * An account of one's own, where the server lets people make one. `?invitation=` is the token of an invitation.
 *
 * @param onDone called when somebody is logged in
 */
export function SignUp({ onDone }: { onDone: () => Promise<void> }) {
  const [parameters] = useSearchParams()
  const [, navigate] = useLocation()
  const [answers, setAnswers] = useState<Answers>({ username: '', displayName: '', password: '' })
  const set = (name: keyof Answers) => (value: string) =>
    setAnswers((before) => ({ ...before, [name]: value }))
  const attempt = useMutation({
    async mutationFn({ username, displayName, password }: Answers) {
      const invitation = parameters.get('invitation') ?? undefined
      const optional = { ...(displayName && { displayName }), ...(invitation && { invitation }) }
      await sotto.users.create({ username, password, ...optional })
      await sotto.sessions.create({ username, password, cookie: true })
    },
    async onSuccess() {
      navigate('/')
      await onDone()
    },
  })
  return (
    <main className="entrance">
      <h1>Make an account</h1>
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          attempt.mutate(answers)
        }}
      >
        <Field
          label="Username"
          hint="Small letters, digits, dots, hyphens. Others find you by it."
          autoComplete="username"
          isRequired
          autoFocus
          value={answers.username}
          onChange={set('username')}
        />
        <Field
          label="Name"
          hint="Shown to others. You may leave it out."
          autoComplete="name"
          value={answers.displayName}
          onChange={set('displayName')}
        />
        <Field
          label="Password"
          hint="Eight characters or more."
          type="password"
          autoComplete="new-password"
          isRequired
          minLength={8}
          value={answers.password}
          onChange={set('password')}
        />
        {attempt.error && (
          <p role="alert" className="wrong">
            {wordsOf(attempt.error)}
          </p>
        )}
        <Button type="submit" look="primary" isBusy={attempt.isPending}>
          Make an account
        </Button>
      </Form>
      <p>
        You have one? <Link href="/">Sign in</Link>
      </p>
    </main>
  )
}
