import { useEffect, useState } from 'react'
import { Notice } from '../ui/notice.tsx'
import { type Credentials, initialCredentials } from './credentials.ts'
import { CredentialsForm } from './credentials-form.tsx'
import { loadOperations, type Operation } from './openapi.ts'
import { OperationList } from './operation-list.tsx'
import { OperationPage } from './operation-page.tsx'
import { useFragment } from './use-fragment.ts'

/** The API reference: all operations of this server, with forms to try them. */
export function Reference() {
  const { operations, hasFailed } = useOperations()
  const [credentials, setCredentials] = useState<Credentials>(initialCredentials)
  const name = useFragment()
  const operation = operations?.find(({ operationId }) => operationId === name)
  useEffect(() => {
    document.title = operation ? `${operation.summary} · Sotto` : 'Sotto: HTTP reference'
  }, [operation])
  if (hasFailed) return <Notice>Couldn't load the reference. Reload the page.</Notice>
  if (!operations) return <Notice>Loading…</Notice>
  return (
    <div className={operation ? 'reference' : 'reference at-list'}>
      <OperationList operations={operations} current={operation?.operationId} />
      <main>
        <CredentialsForm credentials={credentials} onChange={setCredentials} />
        {operation ? (
          <OperationPage key={operation.operationId} operation={operation} credentials={credentials} />
        ) : (
          <Introduction />
        )}
      </main>
    </div>
  )
}

function useOperations(): { operations: Operation[] | undefined; hasFailed: boolean } {
  const [operations, setOperations] = useState<Operation[]>()
  const [hasFailed, setHasFailed] = useState(false)
  useEffect(() => {
    loadOperations().then(setOperations, () => setHasFailed(true))
  }, [])
  return { operations, hasFailed }
}

function Introduction() {
  return (
    <section className="operation">
      <h2>HTTP reference</h2>
      <p>
        Select an operation. Each has a form with an example request. Requests go to this server, so changes
        are real. The same reference is available as <a href="/openapi.json">openapi.json</a>.
      </p>
    </section>
  )
}
