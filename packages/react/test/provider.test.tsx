import { SottoProvider, useConversations, useMessages, usePresence, useSend } from '@sotto/react'
import type { DraftStorage, Fetch, SottoClient } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import type { ReactNode } from 'react'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDocument } from './support/dom.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ users: ['alice', 'bob', 'carol'] })
  await server.as('alice').messages.send({ to: 'bob', text: 'for bob' })
  await server.as('alice').messages.send({ to: 'carol', text: 'for carol' })
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

let page: HTMLElement
beforeEach(() => {
  page = createDocument()
})
const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
  vi.restoreAllMocks()
})

function render(element: ReactNode): void {
  const root = createRoot(page)
  root.render(element)
  cleanUps.push(() => root.unmount())
}

const text = () => page.textContent

/** A fetch whose credentials the server rejects. */
const fetchWithInvalidKey: Fetch = (url, init) => {
  const headers = new Headers(init?.headers)
  headers.set('authorization', 'Bearer sk_invalid')
  return server.fetch(url, { ...init, headers })
}

function Inbox() {
  const { conversations, isLoaded } = useConversations()
  return isLoaded
    ? conversations.map(({ id, lastMessage }) => <p key={id}>{lastMessage?.text}</p>)
    : 'loading'
}

/** A fetch that counts requests, and how to create a client with it. */
function counting() {
  const counts: Record<string, number> = {}
  const fetch: Fetch = (url, init) => {
    const path = /\/trpc\/([\w.]+)/.exec(url)?.[1] ?? new URL(url).pathname
    counts[path] = (counts[path] ?? 0) + 1
    return server.fetch(url, init)
  }
  const clientFor = (user: string) =>
    createClient({ url: server.url, token: server.serviceKey, fetch }).as(user)
  return { counts, clientFor }
}

describe.each([true, false])('a provider in strict mode: %s', (isStrict) => {
  const wrap = (element: ReactNode) => (isStrict ? <StrictMode>{element}</StrictMode> : element)

  it('does not reload with every render if its props are created while rendering', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { counts, clientFor } = counting()
    let rerender: (user: string) => void = () => {}
    function App() {
      const [[user], setUser] = useState<[string]>(['bob'])
      rerender = (next) => setUser([next])
      const storage: DraftStorage = { get: () => null, set: () => {} }
      return (
        <SottoProvider client={clientFor(user)} storage={storage}>
          <Inbox />
        </SottoProvider>
      )
    }
    render(wrap(<App />))
    await expect.poll(text).toBe('for bob')
    for (let index = 0; index < 10; index += 1) {
      rerender('bob')
      await new Promise((resolve) => setTimeout(resolve))
    }
    await expect.poll(text).toBe('for bob')
    expect(counts['conversations.list']).toBeLessThanOrEqual(2)
    expect(
      warn.mock.calls.filter(([message]) => String(message).includes('SottoProvider')).length,
    ).toBeLessThan(2)
    // Another user's data must not stay.
    rerender('carol')
    await expect.poll(text).toBe('for carol')
    expect(counts['conversations.list']).toBeLessThanOrEqual(3)
  })

  it('reloads once for another client', async () => {
    const { counts, clientFor } = counting()
    const clients: Record<string, SottoClient> = { bob: clientFor('bob'), carol: clientFor('carol') }
    let show: (user: string) => void = () => {}
    function App() {
      const [user, setUser] = useState('bob')
      show = setUser
      return clients[user] ? (
        <SottoProvider client={clients[user]}>
          <Inbox />
        </SottoProvider>
      ) : null
    }
    render(wrap(<App />))
    await expect.poll(text).toBe('for bob')
    show('carol')
    await expect.poll(text).toBe('for carol')
    expect(counts['conversations.list']).toBe(2)
  })
})

it('warns in development about props that are created while rendering', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const { warnOnce } = await import('../src/warn-once.ts')
  for (const message of ['a', 'b', 'a']) warnOnce(message)
  expect(warn.mock.calls).toEqual([['a'], ['b']])
  vi.stubEnv('NODE_ENV', 'production')
  warnOnce('c')
  vi.unstubAllEnvs()
  expect(warn).toHaveBeenCalledTimes(2)
})

it('opens a new view instead of one that has failed', async () => {
  let isAllowed = false
  const fetch: Fetch = (url, init) => (isAllowed ? server.fetch(url, init) : fetchWithInvalidKey(url, init))
  const client = createClient({ url: server.url, token: server.serviceKey, fetch }).as('bob')
  const { id: aliceId } = await server.client.users.get({ user: 'alice' })
  const actions: {
    send?: (text: string) => void
    retry?: (id: string) => void
    show?: (is: boolean) => void
  } = {}
  function Chat() {
    const { connection, messages, error } = useMessages('alice')
    const inbox = useConversations()
    const presence = usePresence(aliceId)
    const { send, retry } = useSend('alice')
    Object.assign(actions, { send, retry })
    if (connection === 'closed') return `${error?.code} ${inbox.connection}`
    const shown = messages.map((message) => `${message.text} (${message.status})`).join(', ')
    return `${shown}; ${inbox.conversations.length}; ${presence?.online}`
  }
  function App() {
    const [isShown, setShown] = useState(true)
    actions.show = setShown
    return isShown && <Chat />
  }
  render(
    <SottoProvider client={client}>
      <App />
    </SottoProvider>,
  )
  await expect.poll(text).toBe('UNAUTHENTICATED closed')
  // Mounted again at once, as "Try again" of an error boundary does.
  isAllowed = true
  actions.show?.(false)
  await expect.poll(text).toBe('')
  actions.show?.(true)
  await expect.poll(text).toBe('for bob (sent); 1; false')
})

it('opens a new view for an action, with the unsent messages of the one that has failed', async () => {
  let isAllowed = true
  const fetch: Fetch = (url, init) => (isAllowed ? server.fetch(url, init) : fetchWithInvalidKey(url, init))
  const events = { maxBackoffMs: 5 }
  const client = createClient({ url: server.url, token: server.serviceKey, fetch, events }).as('carol')
  const actions: { send?: (text: string) => string; retry?: (id: string) => void } = {}
  let unsent: string | undefined
  function Chat() {
    const { connection, messages } = useMessages('alice')
    Object.assign(actions, useSend('alice'))
    unsent = messages.find(({ status }) => status === 'pending')?.key
    return `${connection}: ${messages.map((message) => `${message.text} (${message.status})`).join(', ')}`
  }
  render(
    <SottoProvider client={client}>
      <Chat />
    </SottoProvider>,
  )
  await expect.poll(text).toBe('connected: for carol (sent)')
  isAllowed = false
  actions.send?.('try')
  await expect.poll(text).toBe('closed: for carol (sent), try (pending)')
  isAllowed = true
  actions.retry?.(unsent ?? '')
  await expect.poll(text).toBe('connected: for carol (sent), try (sent)')
})
