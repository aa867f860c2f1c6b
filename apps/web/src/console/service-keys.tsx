import { useSotto } from '@sotto/react'
import type { ServiceKey } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ConfirmButton } from '../ui/confirm-button.tsx'
import { CreateKey } from './create-key.tsx'
import { PagedList } from './paged-list.tsx'
import { ServerError } from './query-status.tsx'
import { ConsolePage, Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE, usePagedQuery } from './use-paged-query.ts'

/** Lists, creates and revokes service keys. */
export function ServiceKeys() {
  const sotto = useSotto()
  const pages = usePagedQuery({
    key: ['keys'],
    read: (cursor, signal) => sotto.keys.list({ ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Service keys">
      <p className="hint">The key set with SOTTO_SERVICE_KEY is not listed.</p>
      <Section title="All keys">
        <PagedList label="Service keys" pages={pages} emptyText="No service keys." keyOf={({ id }) => id}>
          {(key) => <ServiceKeyItem serviceKey={key} />}
        </PagedList>
      </Section>
      <CreateKey />
    </ConsolePage>
  )
}

function ServiceKeyItem({ serviceKey: key }: { serviceKey: ServiceKey }) {
  const sotto = useSotto()
  const queries = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => sotto.keys.revoke({ keyId: key.id }),
    onSuccess: () => queries.invalidateQueries({ queryKey: [CONSOLE, 'keys'] }),
  })
  const isValid = key.revokedAt === null && (key.expiresAt === null || key.expiresAt > new Date())
  return (
    <>
      <strong dir="auto">{key.name}</strong>
      <span className="hint">
        {key.scopes.join(', ')} · created <Timestamp at={key.createdAt} /> ·{' '}
        {key.lastUsedAt ? (
          <>
            last used <Timestamp at={key.lastUsedAt} />
          </>
        ) : (
          'never used'
        )}
        {key.expiresAt && (
          <>
            {' '}
            · expires <Timestamp at={key.expiresAt} />
          </>
        )}
      </span>
      {key.revokedAt && (
        <em>
          Revoked <Timestamp at={key.revokedAt} />
        </em>
      )}
      <ServerError error={revoke.error} />
      {isValid && (
        <ConfirmButton
          label="Revoke"
          question={`Revoke the key ${key.name}?`}
          isBusy={revoke.isPending}
          onConfirm={() => revoke.mutate()}
        >
          Requests with this key will be rejected within a second. This can't be undone.
        </ConfirmButton>
      )}
    </>
  )
}
