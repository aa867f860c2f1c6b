import { useSotto } from '@sotto/react'
import { Link } from 'wouter'
import { CreateWebhook } from './create-webhook.tsx'
import { PagedList } from './paged-list.tsx'
import { ConsolePage, Section } from './section.tsx'
import { usePagedQuery } from './use-paged-query.ts'

/** Lists and creates webhooks. */
export function Webhooks() {
  const sotto = useSotto()
  const pages = usePagedQuery({
    key: ['webhooks'],
    read: (cursor, signal) => sotto.webhooks.list({ ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Webhooks">
      <Section title="All webhooks">
        <PagedList label="Webhooks" pages={pages} emptyText="No webhooks." keyOf={({ id }) => id}>
          {(webhook) => (
            <>
              <Link href={`/console/webhooks/${webhook.id}`}>{webhook.url}</Link>
              <span className="hint" dir="auto">
                {webhook.enabled ? 'enabled' : 'disabled'}
                {webhook.description && ` · ${webhook.description}`}
              </span>
            </>
          )}
        </PagedList>
      </Section>
      <CreateWebhook />
    </ConsolePage>
  )
}
