import type { RequestState } from './use-request.ts'

/** What tells more than the body. */
const SHOWN_HEADERS = ['content-type', 'x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after']

/** What the server has answered, while it does. */
export function ResponseView({ attempt }: { attempt: RequestState | undefined }) {
  const answer = attempt?.answer
  return (
    <section className="answer" aria-label="Answer">
      <p role="status">
        {answer && (
          <>
            <strong>
              {answer.status} {answer.statusText}
            </strong>{' '}
            in {answer.ms} ms
          </>
        )}
        {attempt?.isPending && (answer ? ' …' : 'Sent …')}
        {attempt?.failure && ` ${attempt.failure}`}
      </p>
      {answer && (
        <dl className="headers">
          {SHOWN_HEADERS.map((name) => {
            const value = answer.headers.get(name)
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
      {answer?.text && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys.
        <pre tabIndex={0}>{readable(answer.text)}</pre>
      )}
    </section>
  )
}

/** JSON on many lines; whatever else it is, as it came. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
