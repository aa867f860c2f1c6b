import { SottoProvider, useConversations, useMessages, usePresence, useSend, useTyping } from '@sotto/react'
import { createClient } from '@sotto/sdk'
import { useState } from 'react'
import { createRoot } from 'react-dom/client'

// `?url=https://chat.example.com&token=…` sets the server and the user's token.
const settings = new URLSearchParams(location.search)
const sotto = createClient({ url: settings.get('url') ?? '', token: settings.get('token') ?? '' })
const me = await sotto.users.me()

function Inbox() {
  const { conversations } = useConversations()
  const [open, setOpen] = useState('')
  return (
    <main>
      {conversations.map(({ id, name, participants, lastMessage, unreadCount }) => {
        const other = participants.find(({ user }) => user.id !== me.id)?.user
        return (
          <button key={id} type="button" onClick={() => setOpen(other?.username ?? '')}>
            {name ?? other?.username}: {lastMessage?.text} ({unreadCount} unread){' '}
            <Online userId={other?.id} />
          </button>
        )
      })}
      {open && <Conversation key={open} user={open} />}
    </main>
  )
}

function Online({ userId }: { userId: string | undefined }) {
  return usePresence(userId)?.online ? 'online' : null
}

function Conversation({ user }: { user: string }) {
  const { messages } = useMessages(user)
  const { send, retry } = useSend(user)
  const { typing, setTyping } = useTyping(user)
  return (
    <form action={(form) => void send(String(form.get('text')))}>
      {messages.map((message) => (
        <p key={message.key}>
          {message.isMine ? 'I' : user}: {message.text} ({message.status})
          {message.status === 'failed' && (
            <button type="button" onClick={() => retry(message.clientMessageId)}>
              Try again
            </button>
          )}
        </p>
      ))}
      <input name="text" required onInput={() => setTyping(true)} />
      {typing.length > 0 && `${user} is typing…`}
    </form>
  )
}

createRoot(document.body.appendChild(document.createElement('div'))).render(
  <SottoProvider client={sotto}>
    <Inbox />
  </SottoProvider>,
)
