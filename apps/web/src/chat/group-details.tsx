import type { Messages } from '@sotto/react'
import { useSotto } from '@sotto/react'
import type { Participant, SottoClient } from '@sotto/sdk'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { type PersonAction, PersonRow } from '../people/person-row.tsx'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmButton } from '../ui/confirm-button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { nameOf } from '../ui/names.ts'

interface Props {
  conversationId: string
  group: Pick<Messages, 'name' | 'participants'>
}

/** A group's members and their roles, with the actions the user's own role allows. */
export function GroupDetails({ conversationId, group }: Props) {
  const sotto = useSotto()
  const me = useMe()
  const [, navigate] = useLocation()
  const myRole = group.participants.find(({ user }) => user.id === me.id)?.role ?? 'member'
  const leave = useMutation({
    mutationFn: () => sotto.participants.remove({ conversationId, user: me.id }),
    onSuccess: () => navigate('/'),
  })
  return (
    <section className="details" aria-label="Group details">
      {myRole !== 'member' && (
        <Rename key={group.name} conversationId={conversationId} name={group.name ?? ''} />
      )}
      {myRole !== 'member' && <AddMember conversationId={conversationId} />}
      <ul className="people">
        {group.participants.map(({ user, role }) => (
          <PersonRow
            key={user.id}
            user={user}
            {...(role !== 'member' && { note: role })}
            actions={actionsOn(sotto, conversationId, { user, role }, user.id === me.id ? undefined : myRole)}
          />
        ))}
      </ul>
      {leave.error && (
        <p role="alert" className="error">
          {errorMessage(leave.error)}
        </p>
      )}
      <ConfirmButton
        label="Leave group"
        question={`Leave ${group.name}?`}
        isBusy={leave.isPending}
        onConfirm={() => leave.mutate()}
      >
        You won't see new messages unless someone adds you again.
      </ConfirmButton>
    </section>
  )
}

/** @param myRole undefined for the user themselves */
function actionsOn(
  sotto: SottoClient,
  conversationId: string,
  { user, role }: Participant,
  myRole: Participant['role'] | undefined,
): PersonAction[] {
  const setRole = (label: string, newRole: Participant['role']): PersonAction => ({
    label,
    run: () => sotto.participants.set({ conversationId, user: user.id, role: newRole }),
  })
  const remove: PersonAction = {
    label: 'Remove',
    run: () => sotto.participants.remove({ conversationId, user: user.id }),
  }
  if (myRole === 'admin') return role === 'member' ? [remove] : []
  if (myRole !== 'owner') return []
  return [
    role === 'admin' ? setRole('Dismiss as admin', 'member') : setRole('Make admin', 'admin'),
    { ...setRole('Transfer ownership', 'owner'), question: `Transfer ownership to ${nameOf(user)}?` },
    remove,
  ]
}

function Rename({ conversationId, name: currentName }: { conversationId: string; name: string }) {
  const sotto = useSotto()
  const [name, setName] = useState(currentName)
  const attempt = useMutation({ mutationFn: () => sotto.conversations.update({ conversationId, name }) })
  return (
    <Form fields={['name']} error={attempt.error} onSubmit={() => attempt.mutate()}>
      <Field name="name" label="Group name" isRequired value={name} onChange={setName} />
      <Button type="submit" isDisabled={name === currentName} isBusy={attempt.isPending}>
        Rename
      </Button>
    </Form>
  )
}

function AddMember({ conversationId }: { conversationId: string }) {
  const sotto = useSotto()
  const [user, setUser] = useState('')
  const attempt = useMutation({
    mutationFn: () => sotto.participants.set({ conversationId, user: user.trim() }),
    onSuccess: () => setUser(''),
  })
  return (
    <Form fields={['user']} error={attempt.error} onSubmit={() => attempt.mutate()}>
      <Field
        name="user"
        label="Add people"
        hint="Enter a username."
        isRequired
        value={user}
        onChange={setUser}
      />
      <Button type="submit" isBusy={attempt.isPending}>
        Add
      </Button>
    </Form>
  )
}
