import { SottoProvider } from '@sotto/react'
import type { SottoClient } from '@sotto/sdk'
import { SottoError } from '@sotto/sdk'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react'
import { Route, Switch, useRoute } from 'wouter'
import { Pages } from '../pages.tsx'
import { Notice } from '../ui/notice.tsx'
import { fetchMe } from './fetch-me.ts'
import { ME, SessionContext, type SessionValue } from './me.ts'
import { ResetPassword } from './reset-password.tsx'
import { SignIn } from './sign-in.tsx'
import { SignUp } from './sign-up.tsx'
import { UserChanged } from './user-changed.tsx'
import { userStorage } from './user-storage.ts'

const Console = lazy(async () => ({ default: (await import('../console/console.tsx')).Console }))

/** The key of the id of the user who signed in last, for the other tabs. */
const SIGNED_IN = 'sotto/signed-in'

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
  const reset = useCallback(() => queries.resetQueries(), [queries])
  const id = me?.id
  // All tabs share the session cookie, so another user can sign in while this page shows its user's data.
  const own = useMemo(() => (id === undefined ? client : client.forUser(id)), [client, id])
  const storage = useMemo(() => (id === undefined ? undefined : userStorage(id)), [id])
  if (error) return <Notice error={error} onRetry={() => void refetch()} />
  if (me === undefined) return <Notice>Loading…</Notice>
  return (
    <SottoProvider client={own} storage={storage} key={id}>
      {isResetting ? (
        <ResetPassword />
      ) : me ? (
        <SignedIn me={me} reset={reset} client={client} />
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

interface SignedInProps extends Pick<SessionValue, 'me' | 'reset'> {
  /** A client that works for any user. */
  client: SottoClient
}

/** The pages of the signed-in user, until their session has ended. */
function SignedIn({ me, reset, client }: SignedInProps) {
  const [hasEnded, setHasEnded] = useState(false)
  const end = useCallback(() => setHasEnded(true), [])
  const queries = useQueryClient()
  useEffect(() => {
    const check = (error: unknown) => {
      if (error instanceof SottoError && error.code === 'USER_MISMATCH') end()
    }
    const unsubscribes = [
      queries.getQueryCache().subscribe(({ query }) => check(query.state.error)),
      queries.getMutationCache().subscribe(({ mutation }) => check(mutation?.state.error)),
    ]
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe()
    }
  }, [queries, end])
  useEffect(() => {
    localStorage.setItem(SIGNED_IN, me.id)
    const onStorage = ({ key, newValue }: StorageEvent) => {
      if (key === SIGNED_IN && newValue !== me.id) end()
    }
    window.addEventListener('storage', onStorage)
    return () => window.removeEventListener('storage', onStorage)
  }, [me.id, end])
  const session = useMemo(() => ({ me, reset, end }), [me, reset, end])
  return (
    <SessionContext value={session}>
      {hasEnded ? (
        <UserChanged client={client} />
      ) : (
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
      )}
    </SessionContext>
  )
}
