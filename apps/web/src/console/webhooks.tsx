import { useSotto } from '@sotto/react'
import { Link } from 'wouter'
import { Entries } from './entries.tsx'
import { NewWebhook } from './new-webhook.tsx'
import { ConsolePage, Section } from './section.tsx'
import { usePages } from './use-pages.ts'

/** Webhooks: those that there are, and new ones. */
export function Webhooks() {
  const sotto = useSotto()
  const pages = usePages({
    key: ['webhooks'],
    read: (cursor, signal) => sotto.webhooks.list({ ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Webhooks">
      <Section title="Webhooks that there are">
        <Entries label="Webhooks" pages={pages} none="There are none." keyOf={({ id }) => id}>
          {(webhook) => (
            <>
              <Link href={`/console/webhooks/${webhook.id}`}>{webhook.url}</Link>
              <span className="hint" dir="auto">
                {webhook.enabled ? 'enabled' : 'disabled'}
                {webhook.description && ` · ${webhook.description}`}
              </span>
            </>
          )}
        </Entries>
      </Section>
      <NewWebhook />
    </ConsolePage>
  )
}
