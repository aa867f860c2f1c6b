import { type SottoClient, SottoError } from '@sotto/sdk'
import { useEffect, useState } from 'react'
import { Demo } from './demo.tsx'
import { FirstAccount } from './first-account.tsx'
import { forgetSetupToken, keepSetupToken, takeSetupToken } from './setup-token.ts'
import { TokenForm } from './token-form.tsx'
import './welcome.css'

/** The first minute: the first account is made here, and before that a demo may be opened. */
export function Welcome({ client }: { client: SottoClient }) {
  const [token, setToken] = useState(takeSetupToken)
  const [wasRefused, setWasRefused] = useState(false)
  const [showsDemo, setShowsDemo] = useState(false)
  useEffect(() => {
    // Another link, opened where this page is.
    const take = () => setToken(takeSetupToken())
    window.addEventListener('hashchange', take)
    return () => window.removeEventListener('hashchange', take)
  }, [])
  function lookAt(error: unknown): void {
    const isAboutToken = error instanceof SottoError && error.issues.some(({ path }) => path === 'token')
    if (!isAboutToken) return
    forgetSetupToken()
    setToken(undefined)
    setWasRefused(true)
    setShowsDemo(false)
  }
  if (token === undefined) {
    return (
      <TokenForm
        wasRefused={wasRefused}
        onToken={(given) => {
          keepSetupToken(given)
          setToken(given)
        }}
      />
    )
  }
  if (showsDemo) {
    return <Demo client={client} token={token} onError={lookAt} onLeave={() => setShowsDemo(false)} />
  }
  return <FirstAccount client={client} token={token} onError={lookAt} onDemo={() => setShowsDemo(true)} />
}
