import { type SottoClient, SottoError } from '@sotto/sdk'
import { useEffect, useState } from 'react'
import { Demo } from './demo.tsx'
import { FirstAccount } from './first-account.tsx'
import { setupToken } from './setup-token.ts'
import { TokenForm } from './token-form.tsx'
import './welcome.css'

/** The setup page: creates the first account, or opens the demo. */
export function Welcome({ client }: { client: SottoClient }) {
  const [token, setToken] = useState(setupToken.take)
  const [wasRejected, setWasRejected] = useState(false)
  const [showsDemo, setShowsDemo] = useState(false)
  useEffect(() => {
    // Another setup link was opened in this tab.
    const onHashChange = () => setToken(setupToken.take())
    window.addEventListener('hashchange', onHashChange)
    return () => window.removeEventListener('hashchange', onHashChange)
  }, [])
  function onError(error: unknown): void {
    const isAboutToken = error instanceof SottoError && error.issues.some(({ path }) => path === 'token')
    if (!isAboutToken) return
    setupToken.forget()
    setToken(undefined)
    setWasRejected(true)
    setShowsDemo(false)
  }
  if (token === undefined) {
    return (
      <TokenForm
        wasRejected={wasRejected}
        onToken={(given) => {
          setupToken.store(given)
          setToken(given)
        }}
      />
    )
  }
  if (showsDemo) {
    return <Demo client={client} token={token} onError={onError} onLeave={() => setShowsDemo(false)} />
  }
  return <FirstAccount client={client} token={token} onError={onError} onDemo={() => setShowsDemo(true)} />
}
