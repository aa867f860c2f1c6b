import { useEffect, useRef } from 'react'
import type { Credentials } from './credentials.ts'
import { describeType, fieldsOf } from './fields.ts'
import { FormattedText } from './formatted-text.tsx'
import { bodyOf, type Operation } from './openapi.ts'
import { TryOut } from './try-out.tsx'

interface Props {
  operation: Operation
  credentials: Credentials
}

/** An operation's documentation, with a form to try it. */
export function OperationPage({ operation, credentials }: Props) {
  const { operationId, method, path, summary, description, security } = operation
  const heading = useRef<HTMLHeadingElement>(null)
  // Screen readers continue here after the user follows a link.
  useEffect(() => heading.current?.focus(), [])
  return (
    <article className="operation">
      <a href="#all" className="to-list">
        All operations
      </a>
      <h2 ref={heading} tabIndex={-1}>
        {summary}
      </h2>
      <p>
        <code>
          {method} {path}
        </code>
        , <code>{operationId}</code> in the SDK.{' '}
        {security ? 'No credentials required.' : 'Requires credentials.'}
      </p>
      {description && (
        <p>
          <FormattedText>{description}</FormattedText>
        </p>
      )}
      <TryOut operation={operation} credentials={credentials} />
      <BodyFields operation={operation} />
      <Responses operation={operation} />
    </article>
  )
}

function BodyFields({ operation }: { operation: Operation }) {
  const body = bodyOf(operation)
  if (!body) return null
  return (
    <section aria-label="Request body">
      <h3>Request body</h3>
      <dl className="fields">
        {fieldsOf(body.schema).map(({ path, isRequired, schema }) => (
          <div key={path}>
            <dt>
              <code>{path}</code>
              {isRequired && ' required'}
            </dt>
            <dd>
              {describeType(schema)}. <FormattedText>{schema.description ?? ''}</FormattedText>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Responses({ operation: { responses } }: { operation: Operation }) {
  return (
    <section aria-label="Responses">
      <h3>Responses</h3>
      <dl className="fields">
        {Object.entries(responses).map(([status, { description, content }]) => {
          const example = content?.['application/json']?.example
          return (
            <div key={status}>
              <dt>
                <code>{status}</code>
              </dt>
              <dd>
                {description}
                {example !== undefined && (
                  <details>
                    <summary>Example</summary>
                    <pre>{JSON.stringify(example, null, 2)}</pre>
                  </details>
                )}
              </dd>
            </div>
          )
        })}
      </dl>
    </section>
  )
}
