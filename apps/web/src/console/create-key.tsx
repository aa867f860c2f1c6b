import { useSotto } from '@sotto/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components/Form'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { CheckboxList } from './checkbox-list.tsx'
import { OneTimeSecret } from './one-time-secret.tsx'
import { ServerError } from './query-status.tsx'
import { Section } from './section.tsx'
import { CONSOLE } from './use-paged-query.ts'

const scopes = ['read', 'write', 'admin'] as const

/** Creates a service key and shows it once. */
export function CreateKey() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [selected, setSelected] = useState<(typeof scopes)[number][]>(['read'])
  const [expires, setExpires] = useState('')
  const create = useMutation({
    mutationFn: () =>
      sotto.keys.create({ name, scopes: selected, ...(expires && { expiresAt: new Date(expires) }) }),
    async onSuccess() {
      setName('')
      await queries.invalidateQueries({ queryKey: [CONSOLE, 'keys'] })
    },
  })
  return (
    <Section title="Create a key">
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
        <CheckboxList label="Scopes" options={scopes} selected={selected} onChange={setSelected} />
        <Field
          label="Expires"
          hint="Leave empty if the key should not expire."
          type="datetime-local"
          value={expires}
          onChange={setExpires}
        />
        <ServerError error={create.error} />
        <Button type="submit" isBusy={create.isPending} isDisabled={selected.length === 0}>
          Create key
        </Button>
      </Form>
    </Section>
  )
}
