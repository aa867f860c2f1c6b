import { useSotto } from '@sotto/react'
import type { ServiceKey } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ConfirmedButton } from '../ui/confirmed-button.tsx'
import { Entries } from './entries.tsx'
import { Failure } from './failure.tsx'
import { Moment } from './moment.tsx'
import { NewKey } from './new-key.tsx'
import { ConsolePage, Section } from './section.tsx'
import { CONSOLE, usePages } from './use-pages.ts'

/** Service keys: those that there are, and new ones. */
export function Keys() {
  const sotto = useSotto()
  const pages = usePages({
    key: ['keys'],
    read: (cursor, signal) => sotto.keys.list({ ...(cursor && { cursor }) }, { signal }),
  })
  return (
    <ConsolePage title="Keys">
      <p className="hint">The key of the settings (SOTTO_SERVICE_KEY) is not among them.</p>
      <Section title="Service keys">
        <Entries label="Service keys" pages={pages} none="There are none." keyOf={({ id }) => id}>
          {(key) => <Key of={key} />}
        </Entries>
      </Section>
      <NewKey />
    </ConsolePage>
  )
}

function Key({ of: key }: { of: ServiceKey }) {
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
        {key.scopes.join(', ')} · made <Moment at={key.createdAt} /> ·{' '}
        {key.lastUsedAt ? (
          <>
            last used <Moment at={key.lastUsedAt} />
          </>
        ) : (
          'never used'
        )}
        {key.expiresAt && (
          <>
            {' '}
            · expires <Moment at={key.expiresAt} />
          </>
        )}
      </span>
      {key.revokedAt && (
        <em>
          Revoked <Moment at={key.revokedAt} />
        </em>
      )}
      <Failure error={revoke.error} />
      {isValid && (
        <ConfirmedButton
          label="Revoke"
          question={`Revoke the key ${key.name}?`}
          isBusy={revoke.isPending}
          onConfirm={() => revoke.mutate()}
        >
          Whoever calls with it is refused within a second. There is no way back.
        </ConfirmedButton>
      )}
    </>
  )
}
