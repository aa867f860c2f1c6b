import { useSotto } from '@sotto/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { OneTimeSecret } from './one-time-secret.tsx'
import { ServerError } from './query-status.tsx'
import { Section } from './section.tsx'
import { CONSOLE } from './use-paged-query.ts'

/**
 * Creates a service key and shows it once. Admins can only give it their own scope, because keys with other scopes read
 * conversations without a record in the audit log.
 */
export function CreateKey() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [expires, setExpires] = useState('')
  const create = useMutation({
    mutationFn: () =>
      sotto.keys.create({ name, scopes: ['admin'], ...(expires && { expiresAt: new Date(expires) }) }),
    async onSuccess() {
      setName('')
      await queries.invalidateQueries({ queryKey: [CONSOLE, 'keys'] })
    },
  })
  return (
    <Section title="Create a key">
      <p className="hint">
        Keys created here have the scope admin. Use <code>sotto key create</code> for keys that read or write
        for users.
      </p>
      {create.data && (
        <OneTimeSecret
          label={`Key ${create.data.name} created.`}
          secret={create.data.key}
          onDone={() => create.reset()}
        />
      )}
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <Field label="Name" isRequired autoComplete="off" value={name} onChange={setName} />
        <Field
          label="Expires"
          hint="Leave empty if the key should not expire."
          type="datetime-local"
          value={expires}
          onChange={setExpires}
        />
        <ServerError error={create.error} />
        <Button type="submit" isBusy={create.isPending}>
          Create key
        </Button>
      </Form>
    </Section>
  )
}
