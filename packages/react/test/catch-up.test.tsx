import { SottoProvider, useConversations, useMessages, useTyping } from '@sotto/react'
import type { Fetch } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { createRoot } from 'react-dom/client'
import { expect, it } from 'vitest'
import { createDocument } from './support/dom.ts'

const MISSED = 500

/** A network that can be switched off. */
function networkOf(server: TestServer) {
  let isOffline = false
  let breaking = new AbortController()
  const fetch: Fetch = async (url, init) => {
    if (isOffline) throw new TypeError('no network')
    const response = await server.fetch(url, init)
    if (new URL(url).pathname !== '/v1/events') return response
    const { readable, writable } = new TransformStream()
    response.body?.pipeTo(writable, { signal: breaking.signal }).catch(() => {})
    return new Response(readable, response)
  }
  return {
    fetch,
    goOffline() {
      isOffline = true
      breaking.abort()
      breaking = new AbortController()
    },
    goOnline() {
      isOffline = false
    },
  }
}

it('renders a few times after many missed events', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'] })
  const alice = server.as('alice')
  await alice.messages.send({ to: 'bob', text: '0' })
  const network = networkOf(server)
  const events = { maxBackoffMs: 5 }
  const client = createClient({ url: server.url, token: server.serviceKey, fetch: network.fetch, events })

  const renders = { chat: 0, inbox: 0, typing: 0 }
  let last: string | null | undefined
  let connection: string | undefined
  function Chat() {
    renders.chat += 1
    const { messages, ...state } = useMessages('alice')
    last = messages.at(-1)?.text
    ;({ connection } = state)
    return messages.map(({ key, text }) => <p key={key}>{text}</p>)
  }
  function Inbox() {
    renders.inbox += 1
    return useConversations().conversations.map(({ id, unreadCount }) => <p key={id}>{unreadCount}</p>)
  }
  function Typing() {
    renders.typing += 1
    return useTyping('alice').typing.length
  }
  const page = createDocument()
  const root = createRoot(page)
  root.render(
    <SottoProvider client={client.as('bob')}>
      <Chat />
      <Inbox />
      <Typing />
    </SottoProvider>,
  )
  try {
    await expect.poll(() => page.textContent).toBe('010')
    network.goOffline()
    await expect.poll(() => connection).toBe('reconnecting')
    for (let index = 1; index <= MISSED; index += 1)
      await alice.messages.send({ to: 'bob', text: `${index}` })
    Object.assign(renders, { chat: 0, inbox: 0, typing: 0 })
    network.goOnline()
    await expect.poll(() => [last, page.textContent?.includes(`${MISSED - 1}`)]).toEqual([`${MISSED}`, true])
    expect(renders.chat).toBeLessThan(50)
    expect(renders.inbox).toBeLessThan(50)
    expect(renders.typing).toBe(0)
  } finally {
    root.unmount()
  }
})
