import { SottoError } from '@sotto/sdk'

/** What went wrong, in the server's own words: an operator makes more of them than of ours. */
export function ServerError({ error }: { error: unknown }) {
  if (!error) return null
  return (
    <p role="alert" className="error">
      {detailsOf(error)}
    </p>
  )
}

/** What stands where an answer will: that it is on its way, or what went wrong. */
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
