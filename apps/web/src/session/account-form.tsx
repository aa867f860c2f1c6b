import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

/** What an account begins with. */
export interface NewAccount {
  username: string
  password: string
  displayName?: string
}

interface Props {
  /** Why the last attempt failed. */
  error: unknown
  isBusy: boolean
  onSubmit: (account: NewAccount) => void
}

/** Asks for what an account begins with. */
export function AccountForm({ error, isBusy, onSubmit }: Props) {
  const [answers, setAnswers] = useState({ username: '', displayName: '', password: '' })
  const set = (name: keyof typeof answers) => (value: string) =>
    setAnswers((before) => ({ ...before, [name]: value }))
  const { displayName, ...required } = answers
  return (
    <Form
      fields={['username', 'displayName', 'password']}
      error={error}
      onSubmit={() => onSubmit({ ...required, ...(displayName && { displayName }) })}
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
        value={displayName}
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
      <Button type="submit" look="primary" isBusy={isBusy}>
        Make an account
      </Button>
    </Form>
  )
}
