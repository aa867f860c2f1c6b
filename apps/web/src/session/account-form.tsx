import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

/** The input for a new account. */
export interface NewAccount {
  username: string
  password: string
  displayName?: string
}

interface Props {
  /** The error of the last submission. */
  error: unknown
  isBusy: boolean
  onSubmit: (account: NewAccount) => void
}

/** The sign-up form. */
export function AccountForm({ error, isBusy, onSubmit }: Props) {
  const [values, setValues] = useState({ username: '', displayName: '', password: '' })
  const set = (name: keyof typeof values) => (value: string) =>
    setValues((current) => ({ ...current, [name]: value }))
  const { displayName, ...required } = values
  return (
    <Form
      fields={['username', 'displayName', 'password']}
      error={error}
      onSubmit={() => onSubmit({ ...required, ...(displayName && { displayName }) })}
    >
      <Field
        name="username"
        label="Username"
        hint="Lowercase letters, numbers, dots and hyphens. People use it to find you."
        autoComplete="username"
        isRequired
        autoFocus
        value={values.username}
        onChange={set('username')}
      />
      <Field
        name="displayName"
        label="Display name"
        hint="Optional. Shown to other people."
        autoComplete="name"
        value={displayName}
        onChange={set('displayName')}
      />
      <Field
        name="password"
        label="Password"
        hint="At least 8 characters."
        type="password"
        autoComplete="new-password"
        isRequired
        minLength={8}
        value={values.password}
        onChange={set('password')}
      />
      <Button type="submit" variant="primary" isBusy={isBusy}>
        Create account
      </Button>
    </Form>
  )
}
