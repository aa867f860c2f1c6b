import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { Deliveries, REFRESH_MS } from './deliveries.tsx'
import { DescriptionList } from './description-list.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE } from './use-paged-query.ts'
import { WebhookActions } from './webhook-actions.tsx'

/** A webhook, what can be done about it, and what it was sent. */
export function WebhookPage({ webhookId }: { webhookId: string }) {
  const sotto = useSotto()
  const {
    data: webhook,
    isPending,
    error,
  } = useQuery({
    queryKey: [CONSOLE, 'webhook', webhookId],
    queryFn: ({ signal }) => sotto.webhooks.get({ webhookId }, { signal }),
    // A receiver that answers that it is gone disables it.
    refetchInterval: REFRESH_MS,
  })
  return (
    <ConsolePage title={webhook?.url ?? 'Webhook'}>
      <QueryStatus isPending={isPending} error={error} />
      {webhook && (
        <>
          <DescriptionList
            of={{
              State: webhook.enabled
                ? 'enabled'
                : webhook.disabledReason === 'gone'
                  ? 'disabled: the receiver has answered that it is gone (410)'
                  : 'disabled by an admin',
              'What it is for': webhook.description ?? undefined,
              Events: webhook.events?.join(', ') ?? 'all',
              'Made at': <Timestamp at={webhook.createdAt} />,
              Id: <code>{webhook.id}</code>,
            }}
          />
          <WebhookActions webhook={webhook} />
          <Deliveries webhookId={webhook.id} />
        </>
      )}
    </ConsolePage>
  )
}
