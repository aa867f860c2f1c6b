import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { useLocation } from 'wouter'
import { sotto } from '../sotto.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { wordsOf } from '../ui/words-of.ts'

/** Makes a group and goes there. */
export function NewGroup() {
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
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          attempt.mutate()
        }}
      >
        <Field label="Name of the group" isRequired value={name} onChange={setName} />
        <Field label="Members" hint="Usernames, with commas." value={members} onChange={setMembers} />
        {attempt.error && (
          <p role="alert" className="wrong">
            {wordsOf(attempt.error)}
          </p>
        )}
        <Button type="submit" isBusy={attempt.isPending}>
          Make the group
        </Button>
      </Form>
    </section>
  )
}
