import { type ErrorCode, SottoError } from '@sotto/sdk'
import type { ReactNode } from 'react'
import { useMemo } from 'react'
import { Form as AriaForm } from 'react-aria-components/Form'
import { wordsOf } from './words-of.ts'

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
  const names = fields.join(' ')
  // The same object for the same error: another one would show again what has been mended meanwhile.
  const atFields = useMemo(() => messagesAt(names.split(' '), error), [names, error])
  const isAtField = Object.keys(atFields).length > 0
  return (
    <AriaForm
      {...props}
      validationErrors={atFields}
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {children}
      {Boolean(error) && !isAtField && (
        <p role="alert" className="wrong">
          {wordsOf(error)}
        </p>
      )}
    </AriaForm>
  )
}

/** What an error without issues is about, where a form has such a field. */
const fieldsOfCodes: Partial<Record<ErrorCode, readonly string[]>> = {
  USERNAME_TAKEN: ['username'],
  EMAIL_TAKEN: ['email'],
  USER_NOT_FOUND: ['user', 'participants'],
}

/** What an error says of which field. */
function messagesAt(names: readonly string[], error: unknown): Record<string, string> {
  if (!(error instanceof SottoError)) return {}
  const ofCode = fieldsOfCodes[error.code]?.map((name) => ({ path: name, message: wordsOf(error) })) ?? []
  const ofIssues = error.issues.map(({ path, message }) => ({ path, message: sentence(message) }))
  const messages: Record<string, string> = {}
  for (const { path, message } of [...ofCode, ...ofIssues]) {
    const name = names.find((one) => isIn(path, one))
    if (name !== undefined) messages[name] = message
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
