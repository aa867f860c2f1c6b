import {
  SottoProvider,
  useConversations,
  useMessages,
  usePresence,
  useSend,
  useSotto,
  useTyping,
} from '@sotto/react'
import type { DraftStorage, SottoClient } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import type { ReactNode } from 'react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDocument } from './support/dom.ts'

let page: HTMLElement
beforeEach(() => {
  page = createDocument()
})
const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

/** Renders an element in strict mode. @returns a function that unmounts it */
function render(client: SottoClient, element: ReactNode, storage?: DraftStorage): () => void {
  const root = createRoot(page)
  const tree = (
    <StrictMode>
      <SottoProvider client={client} storage={storage}>
        {element}
      </SottoProvider>
    </StrictMode>
  )
  root.render(tree)
  const unmount = () => root.unmount()
  cleanUps.push(unmount)
  return unmount
}

const text = () => page.textContent

function Inbox() {
  const { conversations, isLoaded } = useConversations()
  if (!isLoaded) return 'loading'
  return conversations.map(({ id, lastMessage, unreadCount }) => (
    <p key={id}>
      {lastMessage?.text} {unreadCount}
    </p>
  ))
}

function Chat({ user }: { user: string }) {
  const { messages, unreadCount, isLoaded } = useMessages(user)
  if (!isLoaded) return 'loading'
  return `${messages.map((message) => `${message.text} (${message.status})`).join(', ')}; ${unreadCount} unread`
}

describe.each(['sqlite', 'postgres'] as const)('the hooks on %s', (using) => {
  it('keep the inbox up to date', async () => {
    await using server = await createTestServer({ users: ['alice', 'bob'], using })
    render(server.as('bob'), <Inbox />)
    await expect.poll(text).toBe('')
    await server.as('alice').messages.send({ to: 'bob', text: 'one' })
    await expect.poll(text).toBe('one 1')
    await server.as('alice').messages.send({ to: 'bob', text: 'two' })
    await expect.poll(text).toBe('two 2')
  })

  it('show a conversation, send messages, and report typing and presence', async () => {
    await using server = await createTestServer({ users: ['alice', 'bob'], using })
    const idOf = async (user: string) => (await server.client.users.get({ user })).id
    const actions: { send?: (text: string) => void; type?: () => void } = {}
    function Composer() {
      const { send } = useSend('bob')
      const { typing, setTyping } = useTyping('BOB')
      actions.send = send
      actions.type = () => setTyping(true)
      return typing.length > 0 ? '; typing' : ''
    }
    function Dot({ userId }: { userId: string }) {
      const presence = usePresence(userId)
      return presence ? `; ${presence.online ? 'online' : 'offline'}` : ''
    }
    const element = (
      <>
        <Chat user="bob" />
        <Composer />
        <Dot userId={await idOf('bob')} />
      </>
    )
    render(server.as('alice'), element)
    await expect.poll(text).toContain('; 0 unread')
    actions.send?.('hello')
    await expect.poll(text).toContain('hello (sent); 0 unread')

    await using bob = server.as('bob').conversation('alice').live()
    await expect.poll(() => bob.state.messages.map((message) => message.text)).toEqual(['hello'])
    bob.typing(true)
    await expect.poll(text).toContain('typing')
    actions.type?.()
    await expect.poll(() => bob.state.typing).toEqual([await idOf('alice')])
    bob.send('hi')
    await expect.poll(text).toMatch(/^hello \(sent\), hi \(sent\); 1 unread/)
  })
})

it('shares one stream and one view among all components, and closes them when they unmount', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'] })
  await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
  const unmount = render(
    server.as('bob'),
    <>
      <Inbox />
      <Chat user="alice" />
      <Chat user="ALICE" />
    </>,
  )
  await expect.poll(text).toBe('hi 1hi (sent); 1 unreadhi (sent); 1 unread')
  const calls = () => server.logs.filter((line) => line.includes('"msg":"request"'))
  const lists = () => calls().filter((line) => line.includes('conversations.messages'))
  expect(lists()).toHaveLength(1)

  unmount()
  // A stream is logged when it ends.
  await expect.poll(() => calls().filter((line) => line.includes('/v1/events')).length).toBe(1)
})

it('sends a pending message after its component has unmounted', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'] })
  function SendOnce({ onDone }: { onDone: () => void }) {
    const { send } = useSend('bob')
    return (
      <button
        type="button"
        onClick={() => {
          send('last words')
          onDone()
        }}
      />
    )
  }
  const unmount = render(server.as('alice'), <SendOnce onDone={() => unmount()} />)
  await expect.poll(() => page.querySelector('button')).not.toBeNull()
  page.querySelector('button')?.click()
  await expect
    .poll(async () => (await server.as('bob').direct.messages({ user: 'alice' })).items.length)
    .toBe(1)
})

it('keeps unsent messages in the storage', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'] })
  const stored = new Map<string, string>()
  const storage: DraftStorage = {
    get: (key) => stored.get(key),
    set: (key, value) => void stored.set(key, value),
  }
  stored.set(
    'sotto/unsent/to/bob',
    JSON.stringify([
      { clientMessageId: 'c1', content: { text: 'from before' }, createdAt: new Date().toISOString() },
    ]),
  )
  render(server.as('alice'), <Chat user="bob" />, storage)
  await expect.poll(text).toBe('from before (sent); 0 unread')
  await expect.poll(() => stored.get('sotto/unsent/to/bob')).toBe('[]')
})

it('renders the loading state on the server', async () => {
  await using server = await createTestServer({ users: ['alice'] })
  const html = renderToString(
    <SottoProvider client={server.as('alice')}>
      <Inbox />
    </SottoProvider>,
  )
  expect(html).toBe('loading')
})

it('throws outside a SottoProvider', () => {
  function Lost() {
    useSotto()
    return null
  }
  expect(() => renderToString(<Lost />)).toThrow('SottoProvider')
})
