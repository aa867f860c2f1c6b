import { useSotto } from '@sotto/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ME, useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

const FIELDS = ['displayName', 'firstName', 'lastName', 'email', 'avatarUrl'] as const
type Values = Record<(typeof FIELDS)[number], string>

/** The public profile, and the email address, which is private. */
export function Profile() {
  const me = useMe()
  const sotto = useSotto()
  const queries = useQueryClient()
  const [values, setValues] = useState<Values>(() => ({
    displayName: me.displayName ?? '',
    firstName: me.firstName ?? '',
    lastName: me.lastName ?? '',
    email: me.email ?? '',
    avatarUrl: me.avatarUrl ?? '',
  }))
  const attempt = useMutation({
    mutationFn() {
      const changes = Object.fromEntries(FIELDS.map((name) => [name, values[name].trim() || null]))
      return sotto.users.update({ user: me.id, ...changes })
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ME }),
  })
  const field = (name: keyof Values, label: string, props: { hint?: string; autoComplete?: string } = {}) => (
    <Field
      {...props}
      name={name}
      label={label}
      value={values[name]}
      onChange={(value) => {
        setValues((current) => ({ ...current, [name]: value }))
        if (attempt.isSuccess) attempt.reset()
      }}
    />
  )
  return (
    <section aria-labelledby="profile">
      <h3 id="profile">Profile</h3>
      <Form fields={FIELDS} error={attempt.error} onSubmit={() => attempt.mutate()}>
        {field('displayName', 'Display name', {
          hint: 'Shown instead of your username.',
          autoComplete: 'nickname',
        })}
        <div className="field-row">
          {field('firstName', 'First name', { autoComplete: 'given-name' })}
          {field('lastName', 'Last name', { autoComplete: 'family-name' })}
        </div>
        {field('email', 'Email address', { hint: 'Not visible to other people.', autoComplete: 'email' })}
        {field('avatarUrl', 'Profile picture URL', {
          hint: 'Used by other apps. This app shows initials, so that image hosts cannot track who views your profile.',
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
