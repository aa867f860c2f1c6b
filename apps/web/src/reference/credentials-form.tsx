import { Field } from '../ui/field.tsx'
import { Select } from '../ui/select.tsx'
import type { Credentials } from './credentials.ts'

interface Props {
  credentials: Credentials
  onChange: (credentials: Credentials) => void
}

const kinds = {
  session: 'Signed-in user',
  secret: 'Service key or token',
  none: 'No credentials',
} as const satisfies Record<Credentials['kind'], string>

/** Selects the credentials that requests are sent with. */
export function CredentialsForm({ credentials, onChange }: Props) {
  const { kind, secret, actAs } = credentials
  return (
    <section className="credentials" aria-label="Credentials">
      <Select
        label="Authenticate with"
        value={kind}
        options={Object.entries(kinds)}
        // Object.entries() widens the keys to string.
        onChange={(selected) => onChange({ ...credentials, kind: selected as Credentials['kind'] })}
      />
      {kind === 'secret' && (
        <>
          <Field
            label="Key or token"
            type="password"
            autoComplete="off"
            hint="Kept in memory only: reloading the page clears it."
            value={secret}
            onChange={(value) => onChange({ ...credentials, secret: value.trim() })}
          />
          <Field
            label="Act-As"
            autoComplete="off"
            hint="The user that a service key acts for: a username, an ID, or ext: and an external ID."
            value={actAs}
            onChange={(value) => onChange({ ...credentials, actAs: value.trim() })}
          />
        </>
      )}
    </section>
  )
}
