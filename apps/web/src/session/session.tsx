import { SottoProvider } from '@sotto/react'
import type { SottoClient } from '@sotto/sdk'
import { SottoError } from '@sotto/sdk'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useMemo } from 'react'
import { Route, Switch, useRoute } from 'wouter'
import { Pages } from '../pages.tsx'
import { Notice } from '../ui/notice.tsx'
import { ME, SessionContext } from './me.ts'
import { ResetPassword } from './reset-password.tsx'
import { SignIn } from './sign-in.tsx'
import { SignUp } from './sign-up.tsx'
import { userStorage } from './user-storage.ts'

const Console = lazy(async () => ({ default: (await import('../console/console.tsx')).Console }))

async function fetchMe(sotto: SottoClient) {
  try {
    return await sotto.users.me()
  } catch (error) {
    if (error instanceof SottoError && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
}

/** The app if a user is signed in, otherwise the sign-in page. */
export function Session({ client }: { client: SottoClient }) {
  const {
    data: me,
    error,
    refetch,
  } = useQuery({
    queryKey: ME,
    queryFn: () => fetchMe(client),
    staleTime: Infinity,
  })
  const queries = useQueryClient()
  const [isResetting] = useRoute('/reset')
  // The next user must not see the previous user's data.
  const reset = () => queries.resetQueries()
  const id = me?.id
  const storage = useMemo(() => (id === undefined ? undefined : userStorage(id)), [id])
  if (error) return <Notice error={error} onRetry={() => void refetch()} />
  if (me === undefined) return <Notice>Loading…</Notice>
  return (
    <SottoProvider client={client} storage={storage} key={id}>
      {isResetting ? (
        <ResetPassword />
      ) : me ? (
        <SessionContext value={{ me, reset }}>
          <Switch>
            <Route path="/console/*?">
              <Suspense fallback={<Notice>Loading…</Notice>}>
                <Console />
              </Suspense>
            </Route>
            <Route>
              <Pages />
            </Route>
          </Switch>
        </SessionContext>
      ) : (
        <Switch>
          <Route path="/sign-up">
            <SignUp onDone={reset} />
          </Route>
          <Route>
            <SignIn onDone={reset} />
          </Route>
        </Switch>
      )}
    </SottoProvider>
  )
}
