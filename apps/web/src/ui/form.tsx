import { type ErrorCode, SottoError } from '@sotto/sdk'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { FormValidationContext } from 'react-aria-components'
import { errorMessage, issueMessage } from './error-message.ts'

interface Props {
  /** Field names, as in the operation's input. */
  fields: readonly string[]
  /** The error of the last submission. */
  error: unknown
  onSubmit: () => void
  className?: string
  'aria-label'?: string
  children: ReactNode
}

/** A form that shows the server's validation errors at their fields, and all other errors at the end. */
export function Form({ fields, error, onSubmit, children, ...props }: Props) {
  const messages = fieldErrors(fields, error)
  // Clears a field's error on input. React Aria would clear it on blur, which could move the submit button while the
  // user is clicking it.
  const [edited, setEdited] = useState<{ error: unknown; names: readonly string[] }>({ error, names: [] })
  if (edited.error !== error) setEdited({ error, names: [] })
  const shown = Object.fromEntries(Object.entries(messages).filter(([name]) => !edited.names.includes(name)))
  return (
    <FormValidationContext value={shown}>
      <form
        {...props}
        onInput={({ target }) => {
          const { name } = target as HTMLInputElement
          if (name in shown) setEdited({ error, names: [...edited.names, name] })
        }}
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit()
        }}
      >
        {children}
        {Boolean(error) && Object.keys(messages).length === 0 && (
          <p role="alert" className="error">
            {errorMessage(error)}
          </p>
        )}
      </form>
    </FormValidationContext>
  )
}

/** The fields for error codes that have no issues. */
const fieldOfCode: Partial<Record<ErrorCode, string>> = { USERNAME_TAKEN: 'username', EMAIL_TAKEN: 'email' }

/** The messages of an error, by field name. */
function fieldErrors(fields: readonly string[], error: unknown): Record<string, string> {
  if (!(error instanceof SottoError)) return {}
  const path = fieldOfCode[error.code]
  const issues = path === undefined ? error.issues : [{ path, message: '' }]
  const messages: Record<string, string> = {}
  for (const { path, message } of issues) {
    const name = fields.find((field) => isIn(path, field))
    if (name === undefined) continue
    messages[name] = error.code === 'INVALID_INPUT' ? issueMessage(message) : errorMessage(error)
  }
  return messages
}

/** The path `participants.2` belongs to the field `participants`. */
function isIn(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}.`)
}
