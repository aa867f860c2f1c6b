import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useLocation, useSearchParams } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { Mark } from '../ui/mark.tsx'

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
  const sotto = useSotto()
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
      <Mark />
      <div className="card">
        <h1>Make an account</h1>
        <Form
          fields={['username', 'displayName', 'password']}
          error={attempt.error}
          onSubmit={() => attempt.mutate(answers)}
        >
          <Field
            name="username"
            label="Username"
            hint="Small letters, digits, dots, hyphens. Others find you by it."
            autoComplete="username"
            isRequired
            autoFocus
            value={answers.username}
            onChange={set('username')}
          />
          <Field
            name="displayName"
            label="Name"
            hint="Shown to others. You may leave it out."
            autoComplete="name"
            value={answers.displayName}
            onChange={set('displayName')}
          />
          <Field
            name="password"
            label="Password"
            hint="Eight characters or more."
            type="password"
            autoComplete="new-password"
            isRequired
            minLength={8}
            value={answers.password}
            onChange={set('password')}
          />
          <Button type="submit" look="primary" isBusy={attempt.isPending}>
            Make an account
          </Button>
        </Form>
      </div>
      <p>
        You have one? <Link href="/">Sign in</Link>
      </p>
    </main>
  )
}
