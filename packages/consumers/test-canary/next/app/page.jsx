import { createClient } from '@sotto/sdk'
import { Chat } from './chat.jsx'

export const dynamic = 'force-dynamic'

export default async function Page() {
  const { SOTTO_URL: url, SOTTO_TOKEN: token } = process.env
  const { items } = await createClient({ url, token }).as('bob').conversations.list()
  return (
    <main>
      <p>{items[0].lastMessage.text}</p>
      <Chat url={url} />
    </main>
  )
}
