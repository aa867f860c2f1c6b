import { useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { Logo } from '../ui/logo.tsx'
import { setupToken } from './setup-token.ts'

interface Props {
  /** Whether the server rejected the previous token. */
  wasRejected: boolean
  onToken: (token: string) => void
}

/** Asks for the setup link. */
export function TokenForm({ wasRejected, onToken }: Props) {
  const [link, setLink] = useState('')
  const token = setupToken.in(link)
  return (
    <main className="auth-page">
      <Logo />
      <div className="card">
        <h1>Create the first account</h1>
        {wasRejected && (
          <p role="alert" className="error">
            This link is invalid, has expired or was already used, or an admin already exists.
          </p>
        )}
        <p>
          Open the link that the server printed when it started, or paste it here. <code>sotto setup</code>{' '}
          prints a new one.
        </p>
        <Form fields={[]} error={undefined} onSubmit={() => token !== undefined && onToken(token)}>
          <Field label="Link" autoComplete="off" isRequired autoFocus value={link} onChange={setLink} />
          <Button type="submit" variant="primary" isDisabled={token === undefined}>
            Continue
          </Button>
        </Form>
      </div>
      <p>
        Already have an account? <Link href="/">Sign in</Link>
      </p>
    </main>
  )
}
