import { useSotto } from '@sotto/react'
import type { Setting } from '@sotto/sdk'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Field } from '../ui/field.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage } from './section.tsx'
import { CONSOLE } from './use-paged-query.ts'

const sources = {
  default: 'the default',
  environment: 'from the environment',
  file: 'from a file',
  unset: 'not set',
} as const

/** The settings of the server that answers, as it read them when it started. */
export function ServerSettings() {
  const sotto = useSotto()
  const [typed, setTyped] = useState('')
  const { data, isPending, error } = useQuery({
    queryKey: [CONSOLE, 'settings'],
    queryFn: async ({ signal }) => (await sotto.settings.list({}, { signal })).settings,
  })
  const sought = typed.trim().toUpperCase()
  return (
    <ConsolePage title="Settings">
      <p className="hint">As the server that answers read them when it started. Secrets are not shown.</p>
      <Field label="Name contains" type="search" value={typed} onChange={setTyped} />
      <QueryStatus isPending={isPending} error={error} />
      {data && (
        <ul className="paged-list" aria-label="Settings">
          {data
            .filter(({ name }) => name.includes(sought))
            .map((setting) => (
              <li key={setting.name}>
                <strong>{setting.name}</strong>
                <span>{shown(setting)}</span>
                <span className="hint">{sources[setting.source]}</span>
              </li>
            ))}
        </ul>
      )}
    </ConsolePage>
  )
}

function shown({ value, secret, source }: Setting) {
  if (value !== null) return <code>{value}</code>
  return secret && source !== 'unset' ? 'set' : '—'
}
