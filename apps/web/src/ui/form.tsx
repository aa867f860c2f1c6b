import { type ErrorCode, SottoError } from '@sotto/sdk'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { FormValidationContext } from 'react-aria-components'
import { errorMessage } from './error-message.ts'

interface Props {
  /** The names of its fields, which are those of the operation's input. */
  fields: readonly string[]
  /** Why the last attempt failed. */
  error: unknown
  onSubmit: () => void
  className?: string
  'aria-label'?: string
  children: ReactNode
}

/** A form in which what the server says of a field stands at that field, and everything else at the end. */
export function Form({ fields, error, onSubmit, children, ...props }: Props) {
  const messages = messagesAt(fields, error)
  // What is written anew has nothing said of it any more. Not only once it is left, as React Aria would have it: what
  // is below it would move away from who is just about to press it.
  const [mended, setMended] = useState<{ error: unknown; names: readonly string[] }>({ error, names: [] })
  if (mended.error !== error) setMended({ error, names: [] })
  const atFields = Object.fromEntries(
    Object.entries(messages).filter(([name]) => !mended.names.includes(name)),
  )
  return (
    <FormValidationContext value={atFields}>
      <form
        {...props}
        onInput={({ target }) => {
          const { name } = target as HTMLInputElement
          if (name in atFields) setMended({ error, names: [...mended.names, name] })
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

/** What an error without issues is about. */
const fieldOfCode: Partial<Record<ErrorCode, string>> = { USERNAME_TAKEN: 'username', EMAIL_TAKEN: 'email' }

/** What an error says of which field. */
function messagesAt(fields: readonly string[], error: unknown): Record<string, string> {
  if (!(error instanceof SottoError)) return {}
  const path = fieldOfCode[error.code]
  const issues = path === undefined ? error.issues : [{ path, message: '' }]
  const messages: Record<string, string> = {}
  for (const { path, message } of issues) {
    const name = fields.find((one) => isIn(path, one))
    if (name === undefined) continue
    // Where the code alone says what is wrong, in words for people.
    messages[name] = error.code === 'INVALID_INPUT' ? sentence(message) : errorMessage(error)
  }
  return messages
}

/** `participants.2` is something in the field `participants`. */
function isIn(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}.`)
}

/** The catalogue's words follow a name: `takes 1 to 32 characters`. */
function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
