import { QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import { createQueries } from './queries.ts'
import { Session } from './session/session.tsx'
import { sotto } from './sotto.ts'
import { ErrorBoundary } from './ui/error-boundary.tsx'
import { Notice } from './ui/notice.tsx'

// Loaded on demand: only needed to set up the server.
const Welcome = lazy(async () => ({ default: (await import('./welcome/welcome.tsx')).Welcome }))

const queries = createQueries()

export function App() {
  return (
    <ErrorBoundary>
      <QueryClientProvider client={queries}>
        <Switch>
          <Route path="/welcome">
            <Suspense fallback={<Notice>Loading…</Notice>}>
              <Welcome client={sotto} />
            </Suspense>
          </Route>
          <Route>
            <Session client={sotto} />
          </Route>
        </Switch>
      </QueryClientProvider>
    </ErrorBoundary>
  )
}
