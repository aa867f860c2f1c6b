import { Field } from '../ui/field.tsx'
import { Select } from '../ui/select.tsx'
import type { Credentials } from './credentials.ts'

interface Props {
  credentials: Credentials
  onChange: (credentials: Credentials) => void
}

const kinds = {
  session: 'Who is logged in here',
  secret: 'A service key or a token',
  none: 'Nobody',
} as const satisfies Record<Credentials['kind'], string>

/** Whom requests come from. */
export function CredentialsForm({ credentials, onChange }: Props) {
  const { kind, secret, actAs } = credentials
  return (
    <section className="credentials" aria-label="Credentials">
      <Select
        label="Requests come from"
        value={kind}
        options={Object.entries(kinds)}
        // The options are the kinds.
        onChange={(chosen) => onChange({ ...credentials, kind: chosen as Credentials['kind'] })}
      />
      {kind === 'secret' && (
        <>
          <Field
            label="Key or token"
            type="password"
            autoComplete="off"
            hint="Stays in this page: a reload forgets it."
            value={secret}
            onChange={(value) => onChange({ ...credentials, secret: value.trim() })}
          />
          <Field
            label="Act-As"
            autoComplete="off"
            hint="The user (username or id) whom a service key acts for."
            value={actAs}
            onChange={(value) => onChange({ ...credentials, actAs: value.trim() })}
          />
        </>
      )}
    </section>
  )
}
