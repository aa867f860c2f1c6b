import { useSotto } from '@sotto/react'
import type { WebhookDelivery } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Select } from '../ui/select.tsx'
import { PagedList } from './paged-list.tsx'
import { ServerError } from './query-status.tsx'
import { Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE, usePagedQuery } from './use-paged-query.ts'

type Filter = 'all' | WebhookDelivery['state']

const filters: readonly (readonly [Filter, string])[] = [
  ['all', 'All'],
  ['failed', 'Failed'],
  ['pending', 'Pending'],
  ['delivered', 'Delivered'],
]

/** How often a webhook and its deliveries are refetched, in milliseconds. */
export const REFRESH_MS = 5_000

/** A webhook's deliveries. Each can be sent again. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const sotto = useSotto()
  const [state, setState] = useState<Filter>('all')
  const pages = usePagedQuery({
    key: ['deliveries', webhookId, state],
    read: (cursor, signal) =>
      sotto.webhooks.deliveries(
        { webhookId, ...(state !== 'all' && { state }), ...(cursor && { cursor }) },
        { signal },
      ),
    refetchMs: REFRESH_MS,
  })
  return (
    <Section title="Deliveries">
      <Select label="Status" options={filters} value={state} onChange={setState} />
      <PagedList label="Deliveries" pages={pages} emptyText="No deliveries." keyOf={({ id }) => id}>
        {(delivery) => <Delivery delivery={delivery} />}
      </PagedList>
    </Section>
  )
}

function Delivery({ delivery }: { delivery: WebhookDelivery }) {
  const sotto = useSotto()
  const { id: deliveryId, webhookId, type, state, attempts, lastStatus, lastError, nextAttemptAt } = delivery
  const queries = useQueryClient()
  const retry = useMutation({
    mutationFn: () => sotto.webhooks.retryDelivery({ webhookId, deliveryId }),
    onSuccess: () => queries.invalidateQueries({ queryKey: [CONSOLE, 'deliveries', webhookId] }),
  })
  return (
    <>
      <strong>{type}</strong>
      <span>
        {state}
        {attempts > 0 && `, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`}
        {lastStatus !== null && `, status ${lastStatus}`}
        {lastError !== null && `: ${lastError}`}
      </span>
      <span className="hint">
        created <Timestamp at={delivery.createdAt} />
        {delivery.deliveredAt && (
          <>
            , delivered <Timestamp at={delivery.deliveredAt} />
          </>
        )}
        {nextAttemptAt && (
          <>
            , next attempt <Timestamp at={nextAttemptAt} />
          </>
        )}
      </span>
      <ServerError error={retry.error} />
      <Button aria-label={`Send again: ${type}`} isBusy={retry.isPending} onPress={() => retry.mutate()}>
        Send again
      </Button>
    </>
  )
}
