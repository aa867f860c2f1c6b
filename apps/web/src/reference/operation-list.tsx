import { useState } from 'react'
import { Field } from '../ui/field.tsx'
import type { Operation } from './openapi.ts'

interface Props {
  operations: readonly Operation[]
  /** The id of the current operation. */
  current: string | undefined
}

/** All operations by tag, with a search field. */
export function OperationList({ operations, current }: Props) {
  const [query, setQuery] = useState('')
  const matches = operations.filter(({ operationId, method, path, summary }) =>
    `${operationId} ${method} ${path} ${summary}`.toLowerCase().includes(query.trim().toLowerCase()),
  )
  const groups = Map.groupBy(matches, ({ tags }) => tags[0] ?? '')
  return (
    <nav className="operations" aria-label="Operations">
      <h1>
        <a href="/">Sotto</a> HTTP reference
      </h1>
      <Field label="Find an operation" type="search" value={query} onChange={setQuery} />
      <p role="status" className="visually-hidden">
        {matches.length} operations
      </p>
      {[...groups].map(([tag, members]) => (
        <section key={tag} aria-label={tag}>
          <h2>{tag}</h2>
          <ul>
            {members.map(({ operationId, method, path, summary }) => (
              <li key={operationId}>
                <a href={`#${operationId}`} aria-current={operationId === current ? 'page' : undefined}>
                  <span>{summary}</span>
                  <code>
                    {method} {path}
                  </code>
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  )
}
