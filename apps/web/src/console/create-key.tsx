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

/** Makes a service key, which is shown this once. */
export function CreateKey() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<(typeof scopes)[number][]>(['read'])
  const [expires, setExpires] = useState('')
  const make = useMutation({
    mutationFn: () =>
      sotto.keys.create({ name, scopes: chosen, ...(expires && { expiresAt: new Date(expires) }) }),
    async onSuccess() {
      setName('')
      await queries.invalidateQueries({ queryKey: [CONSOLE, 'keys'] })
    },
  })
  return (
    <Section title="A new key">
      {make.data && (
        <OneTimeSecret
          what={`The key ${make.data.name}.`}
          secret={make.data.key}
          onDone={() => make.reset()}
        />
      )}
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <Field label="What it is for" isRequired autoComplete="off" value={name} onChange={setName} />
        <CheckboxList label="What it may do" options={scopes} chosen={chosen} onChange={setChosen} />
        <Field
          label="Valid until"
          hint="For ever when left out."
          type="datetime-local"
          value={expires}
          onChange={setExpires}
        />
        <ServerError error={make.error} />
        <Button type="submit" isBusy={make.isPending} isDisabled={chosen.length === 0}>
          Make the key
        </Button>
      </Form>
    </Section>
  )
}
