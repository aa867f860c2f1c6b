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

/** Makes a webhook, whose secret is shown this once. */
export function CreateWebhook() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [url, setUrl] = useState('')
  const [description, setDescription] = useState('')
  const [events, setEvents] = useState<WebhookEventType[]>([])
  const make = useMutation({
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
    <Section title="A new webhook">
      {make.data && (
        <OneTimeSecret
          what={`The secret that requests to ${make.data.url} are signed with.`}
          secret={make.data.secret}
          onDone={() => make.reset()}
        />
      )}
      <Form
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <Field label="URL" type="url" isRequired autoComplete="off" value={url} onChange={setUrl} />
        <Field label="What it is for" autoComplete="off" value={description} onChange={setDescription} />
        <CheckboxList
          label="Of which events it is told; of all when none is chosen"
          options={webhookEventTypes}
          chosen={events}
          onChange={setEvents}
        />
        <ServerError error={make.error} />
        <Button type="submit" isBusy={make.isPending}>
          Make the webhook
        </Button>
      </Form>
    </Section>
  )
}
