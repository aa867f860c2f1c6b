import { useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { Logo } from '../ui/logo.tsx'
import { tokenIn } from './setup-token.ts'

interface Props {
  /** The one before was used, is too old, or was never one. */
  wasRefused: boolean
  onToken: (token: string) => void
}

/** Asks for the link of the first start. */
export function TokenForm({ wasRefused, onToken }: Props) {
  const [link, setLink] = useState('')
  const token = tokenIn(link)
  return (
    <main className="auth-page">
      <Logo />
      <div className="card">
        <h1>The first account</h1>
        {wasRefused && (
          <p role="alert" className="error">
            This link has been used, is too old, or somebody is here already.
          </p>
        )}
        <p>
          Open the link that the server printed when it started, or paste it here. <code>sotto setup</code>{' '}
          prints another one.
        </p>
        <Form fields={[]} error={undefined} onSubmit={() => token !== undefined && onToken(token)}>
          <Field label="Link" autoComplete="off" isRequired autoFocus value={link} onChange={setLink} />
          <Button type="submit" look="primary" isDisabled={token === undefined}>
            Go on
          </Button>
        </Form>
      </div>
      <p>
        You have an account? <Link href="/">Sign in</Link>
      </p>
    </main>
  )
}
