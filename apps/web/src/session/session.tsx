import { SottoProvider } from '@sotto/react'
import { SottoError } from '@sotto/sdk'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useMemo } from 'react'
import { Route, Switch } from 'wouter'
import { Pages } from '../pages.tsx'
import { sotto } from '../sotto.ts'
import { Notice } from '../ui/notice.tsx'
import { MeContext } from './me.ts'
import { SignIn } from './sign-in.tsx'
import { SignUp } from './sign-up.tsx'
import { userStorage } from './user-storage.ts'

const Console = lazy(async () => ({ default: (await import('../console/console.tsx')).Console }))

const ME = ['me']

async function whoAmI() {
  try {
    return await sotto.users.me()
  } catch (error) {
    if (error instanceof SottoError && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
}

/** The pages of who is logged in, and where to log in for everybody else. */
export function Session() {
  const { data: me, error, refetch } = useQuery({ queryKey: ME, queryFn: whoAmI, staleTime: Infinity })
  const queries = useQueryClient()
  // Nothing of one user may be left for the next.
  const forget = () => queries.resetQueries()
  const storage = useMemo(() => (me ? userStorage(me.id) : undefined), [me])
  if (error) return <Notice error={error} onRetry={() => void refetch()} />
  if (me === undefined) return <Notice>Loading…</Notice>
  if (me === null) {
    return (
      <Switch>
        <Route path="/sign-up">
          <SignUp onDone={forget} />
        </Route>
        <Route>
          <SignIn onDone={forget} />
        </Route>
      </Switch>
    )
  }
  return (
    <MeContext value={{ me, forget }}>
      <Switch>
        <Route path="/console/*?">
          <Suspense fallback={<Notice>Loading…</Notice>}>
            <Console />
          </Suspense>
        </Route>
        <Route>
          <SottoProvider client={sotto} storage={storage} key={me.id}>
            <Pages />
          </SottoProvider>
        </Route>
      </Switch>
    </MeContext>
  )
}
