import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { Deliveries, REFRESH_MS } from './deliveries.tsx'
import { DescriptionList } from './description-list.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE } from './use-paged-query.ts'
import { WebhookActions } from './webhook-actions.tsx'

/** A webhook with its actions and deliveries. */
export function WebhookPage({ webhookId }: { webhookId: string }) {
  const sotto = useSotto()
  const {
    data: webhook,
    isPending,
    error,
  } = useQuery({
    queryKey: [CONSOLE, 'webhook', webhookId],
    queryFn: ({ signal }) => sotto.webhooks.get({ webhookId }, { signal }),
    // The server disables the webhook when its receiver responds with 410 Gone.
    refetchInterval: REFRESH_MS,
  })
  return (
    <ConsolePage title={webhook?.url ?? 'Webhook'}>
      <QueryStatus isPending={isPending} error={error} />
      {webhook && (
        <>
          <DescriptionList
            items={{
              Status: webhook.enabled
                ? 'enabled'
                : webhook.disabledReason === 'gone'
                  ? 'disabled: the receiver responded with 410 Gone'
                  : 'disabled by an admin',
              Description: webhook.description ?? undefined,
              Events: webhook.events?.join(', ') ?? 'all',
              Created: <Timestamp at={webhook.createdAt} />,
              ID: <code>{webhook.id}</code>,
            }}
          />
          <WebhookActions webhook={webhook} />
          <Deliveries webhookId={webhook.id} />
        </>
      )}
    </ConsolePage>
  )
}
