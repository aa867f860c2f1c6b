import type { SottoClient } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { AccountForm, type NewAccount } from '../session/account-form.tsx'
import { Button } from '../ui/button.tsx'
import { Logo } from '../ui/logo.tsx'
import { setupToken } from './setup-token.ts'

interface Props {
  client: SottoClient
  token: string
  onError: (error: unknown) => void
  onDemo: () => void
}

/** Creates the first account, or opens the demo. */
export function FirstAccount({ client, token, onError, onDemo }: Props) {
  const [, navigate] = useLocation()
  const queries = useQueryClient()
  const attempt = useMutation({
    async mutationFn(account: NewAccount) {
      await client.setup.createAdmin({ token, ...account })
      setupToken.forget()
      const { username, password } = account
      await client.sessions.create({ username, password, cookie: true })
    },
    async onSuccess() {
      await queries.resetQueries()
      navigate('/', { replace: true })
    },
    onError,
  })
  return (
    <main className="auth-page">
      <Logo />
      <div className="card">
        <h1>Welcome</h1>
        <p>Sotto is running. Create the first account. It will be the admin of this server.</p>
        <AccountForm error={attempt.error} isBusy={attempt.isPending} onSubmit={attempt.mutate} />
      </div>
      <div className="card">
        <h2>Or try the demo first</h2>
        <p>
          Two users side by side, with sample conversations. The demo data stays in this database: to get rid
          of it, start over with an empty one.
        </p>
        <Button onPress={onDemo}>Open demo</Button>
      </div>
    </main>
  )
}
