import { useSotto } from '@sotto/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { SESSIONS } from './sessions.tsx'

const nothing = { currentPassword: '', newPassword: '' }

/** Another password, which ends the sessions everywhere else. */
export function Password() {
  const me = useMe()
  const sotto = useSotto()
  const queries = useQueryClient()
  const [answers, setAnswers] = useState(nothing)
  const set = (name: keyof typeof nothing) => (value: string) =>
    setAnswers((before) => ({ ...before, [name]: value }))
  const attempt = useMutation({
    mutationFn: () => sotto.passwords.set({ user: me.id, ...answers }),
    onSuccess() {
      setAnswers(nothing)
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
          label="The password that you have"
          type="password"
          autoComplete="current-password"
          isRequired
          value={answers.currentPassword}
          onChange={set('currentPassword')}
        />
        <Field
          name="newPassword"
          label="Another one"
          hint="Eight characters or more. You are signed out everywhere else."
          type="password"
          autoComplete="new-password"
          isRequired
          minLength={8}
          value={answers.newPassword}
          onChange={set('newPassword')}
        />
        <Button type="submit" isBusy={attempt.isPending}>
          Change the password
        </Button>
        <p role="status" className="hint">
          {attempt.isSuccess && 'Your password was changed.'}
        </p>
      </Form>
    </section>
  )
}
