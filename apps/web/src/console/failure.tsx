import { SottoError } from '@sotto/sdk'

/** What went wrong, in the server's own words: an operator makes more of them than of ours. */
export function Failure({ error }: { error: unknown }) {
  if (!error) return null
  return (
    <p role="alert" className="wrong">
      {detailsOf(error)}
    </p>
  )
}

function detailsOf(error: unknown): string {
  if (!(error instanceof SottoError)) return 'Something went wrong.'
  const { code, message, requestId } = error
  return `${message} (${code}${requestId ? `, request ${requestId}` : ''})`
}
