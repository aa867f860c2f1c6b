import { useSend } from '@sotto/react'
import type { ConversationTarget } from '@sotto/sdk'
import { useEffect, useState } from 'react'
import { useMe } from '../session/me.ts'
import { unsentConversations } from '../session/user-storage.ts'

/** How long another tab has to send its messages before this one opens their conversation, in milliseconds. */
const OTHER_TAB_MS = 5_000

/**
 * Sends unsent messages from the last visit, and from tabs that were closed while sending: opening their conversations
 * sends them.
 */
export function Outbox() {
  const { id } = useMe()
  const [targets, setTargets] = useState(() => new Map(entriesOf(id)))
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const onStorage = ({ key }: StorageEvent) => {
      if (timer !== undefined || !key?.startsWith(`${id}/`)) return
      timer = setTimeout(() => {
        timer = undefined
        setTargets((current) => new Map([...current, ...entriesOf(id)]))
      }, OTHER_TAB_MS)
    }
    window.addEventListener('storage', onStorage)
    return () => {
      window.removeEventListener('storage', onStorage)
      clearTimeout(timer)
    }
  }, [id])
  return [...targets].map(([key, target]) => <Sender key={key} target={target} />)
}

function entriesOf(userId: string): [string, ConversationTarget][] {
  return unsentConversations(userId).map((target) => [JSON.stringify(target), target])
}

function Sender({ target }: { target: ConversationTarget }) {
  useSend(target)
  return null
}
