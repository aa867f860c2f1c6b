import { createClient } from '@sotto/sdk'
import { QueryClientProvider } from '@tanstack/react-query'
import { useState } from 'react'
import { Router } from 'wouter'
import { memoryLocation } from 'wouter/memory-location'
import { createQueries } from '../queries.ts'
import { Session } from '../session/session.tsx'

interface Props {
  person: { username: string; token: string }
  /** The username of the other demo user. */
  other: string
}

/** The client of one demo user, with its own session, location and query cache. */
export function DemoClient({ person, other }: Props) {
  const [{ hook }] = useState(() => memoryLocation({ path: `/with/${other}` }))
  const [queries] = useState(createQueries)
  const [client] = useState(() => createClient({ url: '', token: person.token }))
  return (
    <section className="demo-client" aria-label={person.username}>
      <h2>@{person.username}</h2>
      <Router hook={hook}>
        <QueryClientProvider client={queries}>
          <Session client={client} />
        </QueryClientProvider>
      </Router>
    </section>
  )
}
