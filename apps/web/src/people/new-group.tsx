import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

/** Creates a group and opens it. */
export function NewGroup() {
  const sotto = useSotto()
  const [, navigate] = useLocation()
  const [name, setName] = useState('')
  const [members, setMembers] = useState('')
  const attempt = useMutation({
    mutationFn: () =>
      sotto.conversations.create({ name, participants: members.split(/[\s,]+/).filter(Boolean) }),
    onSuccess: ({ id }) => navigate(`/groups/${id}`),
  })
  return (
    <section aria-labelledby="new-group">
      <h3 id="new-group">New group</h3>
      <Form fields={['name', 'participants']} error={attempt.error} onSubmit={() => attempt.mutate()}>
        <Field name="name" label="Group name" isRequired value={name} onChange={setName} />
        <Field
          name="participants"
          label="Add people"
          hint="Separate usernames with commas. You can add more people later."
          value={members}
          onChange={setMembers}
        />
        <Button type="submit" isBusy={attempt.isPending}>
          Create group
        </Button>
      </Form>
    </section>
  )
}
