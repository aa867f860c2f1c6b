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

/** What an operation is, the form that tries it, and what it answers. */
export function OperationPage({ operation, credentials }: Props) {
  const { operationId, method, path, summary, description, security } = operation
  const heading = useRef<HTMLHeadingElement>(null)
  // Whoever has followed a link goes on reading here.
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
        , in the SDK <code>{operationId}</code>. {security ? 'Anybody may call it.' : 'Needs credentials.'}
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
    <section aria-label="Fields of the body">
      <h3>The body</h3>
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
    <section aria-label="Answers">
      <h3>Answers</h3>
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
