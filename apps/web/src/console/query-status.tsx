import { SottoError } from '@sotto/sdk'

/** An error as the server describes it, with its code and request id for operators. */
export function ServerError({ error }: { error: unknown }) {
  if (!error) return null
  return (
    <p role="alert" className="error">
      {detailsOf(error)}
    </p>
  )
}

/** A query's loading message or error. */
export function QueryStatus({ isPending, error }: { isPending: boolean; error: unknown }) {
  if (!isPending) return <ServerError error={error} />
  return (
    <p role="status" className="hint">
      Loading…
    </p>
  )
}

function detailsOf(error: unknown): string {
  if (!(error instanceof SottoError)) return 'Something went wrong.'
  const { code, message, requestId } = error
  return `${message} (${code}${requestId ? `, request ${requestId}` : ''})`
}
