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

interface Act {
  done: string
  run: () => Promise<unknown>
}

/** What an admin can do about a webhook. */
export function WebhookActions({ webhook: { id: webhookId, url, enabled } }: { webhook: Webhook }) {
  const sotto = useSotto()
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const [secret, setSecret] = useState<string>()
  const act = useMutation({
    mutationFn: ({ run }: Act) => run(),
    onSuccess: () => queries.invalidateQueries({ queryKey: [CONSOLE] }),
  })
  const does = (done: string, run: Act['run']) => () => act.mutate({ done, run })
  const isBusy = act.isPending
  return (
    <Section title="What you can do">
      <ServerError error={act.error} />
      <p role="status" className="hint">
        {act.isSuccess && act.variables.done}
      </p>
      {secret !== undefined && (
        <OneTimeSecret
          what="The new secret. For a day requests are signed with the old one too."
          secret={secret}
          onDone={() => setSecret(undefined)}
        />
      )}
      <div className="button-group">
        {enabled && (
          <Button
            isBusy={isBusy}
            onPress={does('A test is on its way.', () => sotto.webhooks.test({ webhookId }))}
          >
            Send a test
          </Button>
        )}
        {enabled ? (
          <ConfirmButton
            label="Disable"
            question={`Send nothing to ${url} any more?`}
            isBusy={isBusy}
            onConfirm={does('It is disabled.', () => sotto.webhooks.update({ webhookId, enabled: false }))}
          >
            What happens until it is enabled again is not told later.
          </ConfirmButton>
        ) : (
          <Button
            isBusy={isBusy}
            onPress={does('It is enabled.', () => sotto.webhooks.update({ webhookId, enabled: true }))}
          >
            Enable
          </Button>
        )}
        <ConfirmButton
          label="Replace the secret"
          question={`Replace the secret of ${url}?`}
          isBusy={isBusy}
          onConfirm={does('There is a new secret.', async () => {
            setSecret((await sotto.webhooks.rotateSecret({ webhookId })).secret)
          })}
        >
          The receiver has a day to change over.
        </ConfirmButton>
        <ConfirmButton
          label="Delete"
          question={`Delete the webhook to ${url}?`}
          isBusy={isBusy}
          onConfirm={does('It is deleted.', async () => {
            await sotto.webhooks.delete({ webhookId })
            navigate('/console/webhooks')
          })}
        >
          With all of its deliveries. There is no way back.
        </ConfirmButton>
      </div>
    </Section>
  )
}
