import type { RequestState } from './use-request.ts'

/** The response headers worth showing. */
const SHOWN_HEADERS = ['content-type', 'x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after']

/** The response, shown as it arrives. */
export function ResponseView({ request }: { request: RequestState | undefined }) {
  const response = request?.response
  return (
    <section className="response" aria-label="Response">
      <p role="status">
        {response && (
          <>
            <strong>
              {response.status} {response.statusText}
            </strong>{' '}
            in {response.ms} ms
          </>
        )}
        {request?.isPending && (response ? ' …' : 'Sending…')}
        {request?.failure && ` ${request.failure}`}
      </p>
      {response && (
        <dl className="headers">
          {SHOWN_HEADERS.map((name) => {
            const value = response.headers.get(name)
            return (
              value !== null && (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              )
            )
          })}
        </dl>
      )}
      {response?.text && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard.
        <pre tabIndex={0}>{prettyPrint(response.text)}</pre>
      )}
    </section>
  )
}

/** Indents JSON. Other text is returned unchanged. */
function prettyPrint(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
