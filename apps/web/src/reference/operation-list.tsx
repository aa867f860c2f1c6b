import { useState } from 'react'
import { Field } from '../ui/field.tsx'
import type { Operation } from './openapi.ts'

interface Props {
  operations: readonly Operation[]
  /** The one that is shown. */
  open: string | undefined
}

/** All operations by what they are about, and a field that leaves those with a word in them. */
export function OperationList({ operations, open }: Props) {
  const [word, setWord] = useState('')
  const wanted = operations.filter(({ operationId, method, path, summary }) =>
    `${operationId} ${method} ${path} ${summary}`.toLowerCase().includes(word.trim().toLowerCase()),
  )
  const groups = Map.groupBy(wanted, ({ tags }) => tags[0] ?? '')
  return (
    <nav className="operations" aria-label="Operations">
      <h1>
        <a href="/">Sotto</a> HTTP reference
      </h1>
      <Field label="Find an operation" type="search" value={word} onChange={setWord} />
      <p role="status" className="visually-hidden">
        {wanted.length} operations
      </p>
      {[...groups].map(([tag, members]) => (
        <section key={tag} aria-label={tag}>
          <h2>{tag}</h2>
          <ul>
            {members.map(({ operationId, method, path, summary }) => (
              <li key={operationId}>
                <a href={`#${operationId}`} aria-current={operationId === open ? 'page' : undefined}>
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
