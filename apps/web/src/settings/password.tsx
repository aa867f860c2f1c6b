import { useSotto } from '@sotto/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { SESSIONS } from './sessions.tsx'

const EMPTY = { currentPassword: '', newPassword: '' }

/** Changes the password, which also ends all other sessions. */
export function Password() {
  const me = useMe()
  const sotto = useSotto()
  const queries = useQueryClient()
  const [values, setValues] = useState(EMPTY)
  const set = (name: keyof typeof EMPTY) => (value: string) =>
    setValues((current) => ({ ...current, [name]: value }))
  const attempt = useMutation({
    mutationFn: () => sotto.passwords.set({ user: me.id, ...values }),
    onSuccess() {
      setValues(EMPTY)
      return queries.invalidateQueries({ queryKey: SESSIONS })
    },
  })
  return (
    <section aria-labelledby="password">
      <h3 id="password">Password</h3>
      <Form
        fields={['currentPassword', 'newPassword']}
        error={attempt.error}
        onSubmit={() => attempt.mutate()}
      >
        <Field
          name="currentPassword"
          label="Current password"
          type="password"
          autoComplete="current-password"
          isRequired
          value={values.currentPassword}
          onChange={set('currentPassword')}
        />
        <Field
          name="newPassword"
          label="New password"
          hint="At least 8 characters. You'll be signed out on your other devices."
          type="password"
          autoComplete="new-password"
          isRequired
          minLength={8}
          value={values.newPassword}
          onChange={set('newPassword')}
        />
        <Button type="submit" isBusy={attempt.isPending}>
          Change password
        </Button>
        <p role="status" className="hint">
          {attempt.isSuccess && 'Password changed.'}
        </p>
      </Form>
    </section>
  )
}
