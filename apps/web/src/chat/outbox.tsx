import { useSend } from '@sotto/react'
import { useState } from 'react'
import { useMe } from '../session/me.ts'
import { unsentConversations } from '../session/user-storage.ts'

/** Sends unsent messages from the last visit: opening their conversations sends them. */
export function Outbox() {
  const { id } = useMe()
  const [targets] = useState(() => unsentConversations(id))
  return targets.map((target) => <Sender key={JSON.stringify(target)} target={target} />)
}

function Sender({ target }: { target: ReturnType<typeof unsentConversations>[number] }) {
  useSend(target)
  return null
}
