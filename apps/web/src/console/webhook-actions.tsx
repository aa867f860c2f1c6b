import { useSotto } from '@sotto/react'
import type { Webhook } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { Button } from '../ui/button.tsx'
import { ConfirmButton } from '../ui/confirm-button.tsx'
import { OneTimeSecret } from './one-time-secret.tsx'
import { ServerError } from './query-status.tsx'
import { Section } from './section.tsx'
import { CONSOLE } from './use-paged-query.ts'

interface Action {
  /** Shown after the action succeeds. */
  message: string
  run: () => Promise<unknown>
}

/** The admin actions on a webhook. */
export function WebhookActions({ webhook: { id: webhookId, url, enabled } }: { webhook: Webhook }) {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const [secret, setSecret] = useState<string>()
  const action = useMutation({
    mutationFn: ({ run }: Action) => run(),
    onSuccess: () => queries.invalidateQueries({ queryKey: [CONSOLE] }),
  })
  const act = (message: string, run: Action['run']) => () => action.mutate({ message, run })
  const isBusy = action.isPending
  return (
    <Section title="Actions">
      <ServerError error={action.error} />
      <p role="status" className="hint">
        {action.isSuccess && action.variables.message}
      </p>
      {secret !== undefined && (
        <OneTimeSecret
          label="The new signing secret. For one day, requests are also signed with the old one."
          secret={secret}
          onDone={() => setSecret(undefined)}
        />
      )}
      <div className="button-group">
        {enabled && (
          <Button
            isBusy={isBusy}
            onPress={act('Test event queued.', () => sotto.webhooks.test({ webhookId }))}
          >
            Send test event
          </Button>
        )}
        {enabled ? (
          <ConfirmButton
            label="Disable"
            question={`Stop sending events to ${url}?`}
            isBusy={isBusy}
            onConfirm={act('Webhook disabled.', () => sotto.webhooks.update({ webhookId, enabled: false }))}
          >
            Events that occur while it is disabled are not delivered later.
          </ConfirmButton>
        ) : (
          <Button
            isBusy={isBusy}
            onPress={act('Webhook enabled.', () => sotto.webhooks.update({ webhookId, enabled: true }))}
          >
            Enable
          </Button>
        )}
        <ConfirmButton
          label="Rotate secret"
          question={`Rotate the signing secret of ${url}?`}
          isBusy={isBusy}
          onConfirm={act('Secret rotated.', async () => {
            setSecret((await sotto.webhooks.rotateSecret({ webhookId })).secret)
          })}
        >
          The old secret stays valid for one day.
        </ConfirmButton>
        <ConfirmButton
          label="Delete"
          question={`Delete the webhook to ${url}?`}
          isBusy={isBusy}
          onConfirm={act('Webhook deleted.', async () => {
            await sotto.webhooks.delete({ webhookId })
            navigate('/console/webhooks')
          })}
        >
          Its deliveries are deleted too. This can't be undone.
        </ConfirmButton>
      </div>
    </Section>
  )
}
