import type { SottoClient } from '@sotto/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { AccountForm, type NewAccount } from '../session/account-form.tsx'
import { Button } from '../ui/button.tsx'
import { Logo } from '../ui/logo.tsx'
import { forgetSetupToken } from './setup-token.ts'

interface Props {
  client: SottoClient
  token: string
  onError: (error: unknown) => void
  onDemo: () => void
}

/** Makes the first account, or leads to the demo. */
export function FirstAccount({ client, token, onError, onDemo }: Props) {
  const [, navigate] = useLocation()
  const queries = useQueryClient()
  const attempt = useMutation({
    async mutationFn(account: NewAccount) {
      await client.setup.createAdmin({ token, ...account })
      forgetSetupToken()
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
        <p>Sotto is running. Make the first account: you look after this installation with it.</p>
        <AccountForm error={attempt.error} isBusy={attempt.isPending} onSubmit={attempt.mutate} />
      </div>
      <div className="card">
        <h2>Or look around first</h2>
        <p>
          Two people side by side, among sample conversations. They fill this database, which keeps them: to
          be without them later, begin with an empty one.
        </p>
        <Button onPress={onDemo}>Open the demo</Button>
      </div>
    </main>
  )
}
