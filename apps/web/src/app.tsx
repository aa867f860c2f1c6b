import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Session } from './session/session.tsx'
import { sotto } from './sotto.ts'
import { LastResort } from './ui/last-resort.tsx'

/** Events tell what has changed; what they do not tell is asked for when it is shown. */
const queries = new QueryClient({
  // The SDK repeats what may be repeated.
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false }, mutations: { retry: false } },
})

export function App() {
  return (
    <LastResort>
      <QueryClientProvider client={queries}>
        <Session client={sotto} />
      </QueryClientProvider>
    </LastResort>
  )
}
