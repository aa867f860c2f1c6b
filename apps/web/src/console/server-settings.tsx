import { useSotto } from '@sotto/react'
import type { Setting } from '@sotto/sdk'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Field } from '../ui/field.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage } from './section.tsx'
import { CONSOLE } from './use-paged-query.ts'

const sources = {
  default: 'default',
  environment: 'from the environment',
  file: 'from a file',
  unset: 'not set',
} as const

/** The settings of the server that responds, as read when it started. */
export function ServerSettings() {
  const sotto = useSotto()
  const [query, setQuery] = useState('')
  const { data, isPending, error } = useQuery({
    queryKey: [CONSOLE, 'settings'],
    queryFn: async ({ signal }) => (await sotto.settings.list({}, { signal })).settings,
  })
  const filter = query.trim().toUpperCase()
  return (
    <ConsolePage title="Settings">
      <p className="hint">As read by this server when it started. Secrets are hidden.</p>
      <Field label="Filter by name" type="search" value={query} onChange={setQuery} />
      <QueryStatus isPending={isPending} error={error} />
      {data && (
        <ul className="paged-list" aria-label="Settings">
          {data
            .filter(({ name }) => name.includes(filter))
            .map((setting) => (
              <li key={setting.name}>
                <strong>{setting.name}</strong>
                <span>{displayValue(setting)}</span>
                <span className="hint">{sources[setting.source]}</span>
              </li>
            ))}
        </ul>
      )}
    </ConsolePage>
  )
}

function displayValue({ value, secret, source }: Setting) {
  if (value !== null) return <code>{value}</code>
  return secret && source !== 'unset' ? 'set' : '—'
}
