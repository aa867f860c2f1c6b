'use client'

import { SottoProvider, useMessages } from '@sotto/react'
import { createClient } from '@sotto/sdk'
import { useState } from 'react'

function Messages() {
  const { messages, connection } = useMessages('alice')
  return (
    <p>
      {connection}, {messages.length} messages
    </p>
  )
}

export function Chat({ url }) {
  const [client] = useState(() => createClient({ url, token: 'st_…' }))
  return (
    <SottoProvider client={client}>
      <Messages />
    </SottoProvider>
  )
}
