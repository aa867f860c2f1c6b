import { useSotto } from '@sotto/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ME, useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

const FIELDS = ['displayName', 'firstName', 'lastName', 'email', 'avatarUrl'] as const
type Answers = Record<(typeof FIELDS)[number], string>

/** What others see of one, and the email address, which they do not. */
export function Profile() {
  const me = useMe()
  const sotto = useSotto()
  const queries = useQueryClient()
  const [answers, setAnswers] = useState<Answers>(() => ({
    displayName: me.displayName ?? '',
    firstName: me.firstName ?? '',
    lastName: me.lastName ?? '',
    email: me.email ?? '',
    avatarUrl: me.avatarUrl ?? '',
  }))
  const attempt = useMutation({
    mutationFn() {
      const changes = Object.fromEntries(FIELDS.map((name) => [name, answers[name].trim() || null]))
      return sotto.users.update({ user: me.id, ...changes })
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ME }),
  })
  const field = (name: keyof Answers, label: string, more: { hint?: string; autoComplete?: string } = {}) => (
    <Field
      {...more}
      name={name}
      label={label}
      value={answers[name]}
      onChange={(value) => {
        setAnswers((before) => ({ ...before, [name]: value }))
        if (attempt.isSuccess) attempt.reset()
      }}
    />
  )
  return (
    <section aria-labelledby="profile">
      <h3 id="profile">Profile</h3>
      <Form fields={FIELDS} error={attempt.error} onSubmit={() => attempt.mutate()}>
        {field('displayName', 'Name', {
          hint: 'What others read instead of your username.',
          autoComplete: 'nickname',
        })}
        <div className="field-row">
          {field('firstName', 'Given name', { autoComplete: 'given-name' })}
          {field('lastName', 'Family name', { autoComplete: 'family-name' })}
        </div>
        {field('email', 'Email address', { hint: 'Not shown to others.', autoComplete: 'email' })}
        {field('avatarUrl', 'Link to a picture of you', {
          hint: 'For other clients. This one shows initials, so that no other host learns who looks at whom.',
        })}
        <Button type="submit" isBusy={attempt.isPending}>
          Save
        </Button>
        <p role="status" className="hint">
          {attempt.isSuccess && 'Saved.'}
        </p>
      </Form>
    </section>
  )
}
