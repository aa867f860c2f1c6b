import type { SottoClient } from '@sotto/sdk'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { DemoClient } from './demo-client.tsx'

interface Props {
  client: SottoClient
  token: string
  onError: (error: unknown) => void
  onLeave: () => void
}

/** Two demo users side by side, each with their own client. */
export function Demo({ client, token, onError, onLeave }: Props) {
  const { data, error, refetch } = useQuery({
    queryKey: ['demo', token],
    queryFn: () => client.setup.openDemo({ token }),
    staleTime: Infinity,
  })
  useEffect(() => {
    if (error) onError(error)
  }, [error, onError])
  if (error) return <Notice error={error} onRetry={() => void refetch()} />
  if (!data) return <Notice>Preparing the demo. This takes a few seconds…</Notice>
  return (
    <div className="demo">
      <header>
        <h1>Demo</h1>
        <p>Send a message on one side and watch it arrive on the other.</p>
        <Button variant="primary" onPress={onLeave}>
          Create your account
        </Button>
      </header>
      {data.people.map((person, index) => (
        <DemoClient key={person.token} person={person} other={data.people[1 - index]?.username ?? ''} />
      ))}
    </div>
  )
}
