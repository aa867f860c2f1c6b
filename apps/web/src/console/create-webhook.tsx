import { useSotto } from '@sotto/react'
import { type WebhookEventType, webhookEventTypes } from '@sotto/sdk'
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

/** Creates a webhook and shows its secret once. */
export function CreateWebhook() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [url, setUrl] = useState('')
  const [description, setDescription] = useState('')
  const [events, setEvents] = useState<WebhookEventType[]>([])
  const create = useMutation({
    mutationFn: () =>
      sotto.webhooks.create({
        url,
        ...(description && { description }),
        ...(events.length > 0 && { events }),
      }),
    async onSuccess() {
      setUrl('')
      setDescription('')
      setEvents([])
      await queries.invalidateQueries({ queryKey: [CONSOLE, 'webhooks'] })
    },
  })
  return (
    <Section title="Create a webhook">
      {create.data && (
        <OneTimeSecret
          label={`The signing secret of ${create.data.url}.`}
          secret={create.data.secret}
          onDone={() => create.reset()}
        />
      )}
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <Field label="URL" type="url" isRequired autoComplete="off" value={url} onChange={setUrl} />
        <Field label="Description" autoComplete="off" value={description} onChange={setDescription} />
        <CheckboxList
          label="Events (all if none is selected)"
          options={webhookEventTypes}
          selected={events}
          onChange={setEvents}
        />
        <ServerError error={create.error} />
        <Button type="submit" isBusy={create.isPending}>
          Create webhook
        </Button>
      </Form>
    </Section>
  )
}
