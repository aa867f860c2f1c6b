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

/** Service keys: those that there are, and new ones. */
export function ServiceKeys() {
  const sotto = useSotto()
  const pages = usePagedQuery({
    key: ['keys'],
    read: (cursor, signal) => sotto.keys.list({ ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Keys">
      <p className="hint">The key of the settings (SOTTO_SERVICE_KEY) is not among them.</p>
      <Section title="Service keys">
        <PagedList label="Service keys" pages={pages} none="There are none." keyOf={({ id }) => id}>
          {(key) => <ServiceKeyItem of={key} />}
        </PagedList>
      </Section>
      <CreateKey />
    </ConsolePage>
  )
}

function ServiceKeyItem({ of: key }: { of: ServiceKey }) {
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
        {key.scopes.join(', ')} · made <Timestamp at={key.createdAt} /> ·{' '}
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
          Whoever calls with it is refused within a second. There is no way back.
        </ConfirmButton>
      )}
    </>
  )
}
