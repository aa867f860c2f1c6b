import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { errorMessage } from './error-message.ts'

/** A full-page loading or error message. */
export function Notice({
  children,
  error,
  onRetry,
}: {
  children?: ReactNode
  error?: unknown
  onRetry?: () => void
}) {
  return (
    <main className="notice">
      <p role={error ? 'alert' : 'status'}>{error ? errorMessage(error) : children}</p>
      {onRetry && <Button onPress={onRetry}>Try again</Button>}
    </main>
  )
}
