import { SottoProvider } from '@sotto/react'
import type { SottoClient } from '@sotto/sdk'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Logo } from '../ui/logo.tsx'
import { nameOf } from '../ui/names.ts'
import { Notice } from '../ui/notice.tsx'
import { fetchMe } from './fetch-me.ts'
import { useSession } from './me.ts'
import { SignIn } from './sign-in.tsx'
import { unsentConversations } from './user-storage.ts'

/** Shown when the user is no longer signed in in this browser: who is instead, and what to do about it. */
export function UserChanged({ client }: { client: SottoClient }) {
  const { me, reset } = useSession()
  const [isSigningIn, setIsSigningIn] = useState(false)
  const {
    data: now,
    error,
    refetch,
  } = useQuery({
    queryKey: ['signed-in'],
    queryFn: () => fetchMe(client),
    staleTime: 0,
  })
  const isOther = now !== undefined && now !== null && now.id !== me.id
  useEffect(() => {
    if (now !== undefined && !isOther) void reset()
  }, [now, isOther, reset])
  if (error) return <Notice error={error} onRetry={() => void refetch()} />
  if (!isOther) return <Notice>Loading…</Notice>
  if (isSigningIn) {
    return (
      <SottoProvider client={client}>
        <SignIn onDone={reset} />
      </SottoProvider>
    )
  }
  return (
    <main className="auth-page">
      <Logo />
      <div className="card" role="alert">
        <h1>You're signed in as {nameOf(now)} now</h1>
        <p>
          In this browser, @{now.username} has signed in since this tab was opened as @{me.username}.
          {unsentConversations(me.id).length > 0 &&
            ` Unsent messages of @${me.username} are saved, and will be sent when they sign in here again.`}
        </p>
        <Button variant="primary" onPress={() => void reset()}>
          Continue as {nameOf(now)}
        </Button>
        <Button onPress={() => setIsSigningIn(true)}>Sign in as {nameOf(me)}</Button>
      </div>
    </main>
  )
}
