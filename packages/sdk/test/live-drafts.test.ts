import type { DraftStorage, Fetch, LiveConversation, LiveState, SottoClient } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { isSettled, textsOf, until } from './support/live.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(async () => await server?.[Symbol.asyncDispose]())
afterEach(() => void vi.unstubAllGlobals())

const PASSWORD = 'correct horse'
let users = 0

/** Creates a user with a session. */
async function signUp(): Promise<{ id: string; username: string; token: string }> {
  users += 1
  const username = `user${users}`
  const { id } = await server.client.users.create({ username, password: PASSWORD })
  const { token = '' } = await server.client.sessions.create({ username, password: PASSWORD })
  return { id, username, token }
}

/** A browser's tab: a client whose network and token can change. */
interface Tab {
  client: SottoClient
  token: string
  isOnline: boolean
  /** Header fields of all requests that reached the server, with the path as `path`. */
  requests: Record<string, string>[]
  sends: () => number
}

function openTab(token: string, isOnline = true): Tab {
  const fetch: Fetch = async (url, init) => {
    if (!tab.isOnline) throw new TypeError('no network')
    const { pathname } = new URL(url)
    tab.requests.push({ ...init.headers, path: pathname })
    return await server.fetch(url, init)
  }
  const events = { maxBackoffMs: 20 }
  const client = createClient({ url: server.url, token: () => tab.token, fetch, retries: 0, events })
  const sends = () => tab.requests.filter(({ path }) => path === '/trpc/messages.send').length
  const tab: Tab = { client, token, isOnline, requests: [], sends }
  return tab
}

/** Takes a while, so that reads and writes of several views would overlap. */
function slowStorage(): { storage: () => DraftStorage; values: Map<string, string> } {
  const values = new Map<string, string>()
  const pause = () => new Promise<void>((resolve) => setImmediate(resolve))
  const storage = () => ({
    async get(key: string) {
      await pause()
      return values.get(key)
    },
    async set(key: string, value: string) {
      await pause()
      values.set(key, value)
    },
  })
  return { storage, values }
}

const unsentOf = ({ unsent }: LiveState) => unsent.map(({ text }) => text)
const hasUnsent =
  (...texts: string[]) =>
  (state: LiveState) =>
    JSON.stringify(unsentOf(state).sort()) === JSON.stringify(texts)

async function receivedBy(user: { token: string }, from: string): Promise<(string | null)[]> {
  const { items } = await openTab(user.token).client.direct.messages({ user: from })
  return items.map(({ text }) => text).reverse()
}

describe('a storage that several views share', () => {
  it('keeps the unsent messages of all of them, and each is sent once', async () => {
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage, values } = slowStorage()
    const [one, two] = [openTab(alice.token, false), openTab(alice.token, false)]
    const open = ({ client }: Tab) =>
      client.forUser(alice.id).conversation(bob.username).live({ storage: storage() })
    // Two views of one page, and one of another.
    const views: LiveConversation[] = [open(one), open(one), open(two)]
    for (const text of ['1', '2']) for (const [index, view] of views.entries()) view.send(`${index}: ${text}`)
    const all = ['0: 1', '0: 2', '1: 1', '1: 2', '2: 1', '2: 2']
    for (const view of views) await until(view, hasUnsent(...all))
    for (const view of views) await view[Symbol.asyncDispose]()
    expect([...values.values()].map((value) => (JSON.parse(value) as unknown[]).length)).toEqual([6])

    await using later = open(openTab(alice.token))
    await until(later, isSettled(6))
    expect((await receivedBy(bob, alice.username)).sort()).toEqual(all)
    await later[Symbol.asyncDispose]()
    expect([...values.values()]).toEqual(['[]'])
  })

  it('leaves the messages of an open view to it, and those of a closed one to another', async () => {
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage } = slowStorage()
    const [offline, online] = [openTab(alice.token, false), openTab(alice.token)]
    const open = ({ client }: Tab) =>
      client.forUser(alice.id).conversation(bob.username).live({ storage: storage() })
    const first = open(offline)
    await using second = open(online)
    first.send('of the first view')
    await until(second, hasUnsent('of the first view'))
    second.send('of the second view')
    await until(second, ({ messages }) => messages.some(({ status }) => status === 'sent'))
    expect(await receivedBy(bob, alice.username)).toEqual(['of the second view'])
    expect(unsentOf(second.state)).toEqual(['of the first view'])

    first.close()
    await until(second, isSettled(2))
    expect(await receivedBy(bob, alice.username)).toEqual(['of the second view', 'of the first view'])
    expect([offline.sends(), online.sends()]).toEqual([0, 2])
  })

  it('lets any of them retry or discard a rejected message', async () => {
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage } = slowStorage()
    const [one, two] = [openTab(alice.token), openTab(alice.token)]
    const open = ({ client }: Tab) =>
      client.forUser(alice.id).conversation(bob.username).live({ storage: storage() })
    await using first = open(one)
    await using second = open(two)
    await server.as(bob.username).blocks.add({ user: alice.username })
    const [discarded, retried] = [first.send('discarded'), first.send('retried')]
    await until(second, ({ unsent }) => unsent.filter(({ status }) => status === 'failed').length === 2)
    second.discard(discarded)
    await until(first, hasUnsent('retried'))
    await server.as(bob.username).blocks.remove({ user: alice.username })
    second.retry(retried)
    await until(first, isSettled(1))
    expect(textsOf(await until(second, isSettled(1)))).toEqual(['retried'])
    expect(two.sends()).toBe(1)
  })

  it('does not send a message twice without Web Locks', async () => {
    vi.stubGlobal('navigator', {})
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage, values } = slowStorage()
    const tabs = [openTab(alice.token, false), openTab(alice.token, false)]
    const views = tabs.map(({ client }) =>
      client.forUser(alice.id).conversation(bob.username).live({ storage: storage() }),
    )
    const texts = ['1', '2', '3', '4']
    for (const [index, text] of texts.entries()) views[index % 2]?.send(text)
    for (const view of views) await until(view, hasUnsent(...texts))
    for (const tab of tabs) tab.isOnline = true
    for (const view of views) await until(view, isSettled(4))
    expect((await receivedBy(bob, alice.username)).sort()).toEqual(texts)
    for (const view of views) await view[Symbol.asyncDispose]()
    expect([...values.values()]).toEqual(['[]'])
  })

  it('follows what other tabs write to localStorage', async () => {
    const page = new EventTarget()
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage, values } = slowStorage()
    const tab = openTab(alice.token)
    await using view = tab.client.forUser(alice.id).conversation(bob.username).live({ storage: storage() })
    await until(view, ({ isLoaded }) => isLoaded)
    const message = {
      clientMessageId: 'x',
      content: { text: 'from a tab' },
      createdAt: new Date().toISOString(),
    }
    const key = `sotto/unsent/to/${bob.username}`
    values.set(key, JSON.stringify([{ ...message, view: 'of a tab that has ended' }]))
    page.dispatchEvent(Object.assign(new Event('storage'), { key: `prefix/${key}` }))
    await until(view, isSettled(1))
    expect(await receivedBy(bob, alice.username)).toEqual(['from a tab'])
  })

  it('keeps valid messages next to invalid ones, and reports those', async () => {
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage, values } = slowStorage()
    const message = { clientMessageId: 'x', content: { text: 'valid' }, createdAt: new Date().toISOString() }
    values.set(`sotto/unsent/to/${bob.username}`, JSON.stringify([{ no: 1 }, message, null]))
    const tab = openTab(alice.token, false)
    await using view = tab.client.forUser(alice.id).conversation(bob.username).live({ storage: storage() })
    const { error } = await until(view, hasUnsent('valid'))
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('invalid') })
  })
})

describe('when another user signs in', () => {
  it('a view ends instead of acting as them, and its messages wait for its user', async () => {
    const [alice, bob, carol] = [await signUp(), await signUp(), await signUp()]
    const { storage, values } = slowStorage()
    const tab = openTab(alice.token)
    const view = tab.client.conversation(carol.username).live({ storage: storage() })
    view.send('before')
    await until(view, isSettled(1))
    const inbox = tab.client.conversations.live()
    await until(inbox, ({ isLoaded }) => isLoaded)

    tab.isOnline = false
    view.send('after')
    await until(view, ({ error }) => error !== undefined)
    tab.token = bob.token
    tab.isOnline = true
    const { unsent, error } = await until(view, ({ connection }) => connection === 'closed')
    expect(error).toMatchObject({ code: 'USER_MISMATCH', status: 409 })
    expect(unsent).toMatchObject([{ text: 'after', status: 'pending' }])
    const [sent] = view.state.messages
    const id = sent?.status === 'sent' ? sent.id : ''
    await expect(view.like(id)).rejects.toMatchObject({ code: 'USER_MISMATCH' })
    inbox.close()
    await view[Symbol.asyncDispose]()
    expect(await receivedBy(carol, bob.username)).toEqual([])

    // Bob's views are his own, even with the same client and the same storage.
    await using bobs = tab.client.conversation(carol.username).live({ storage: storage() })
    bobs.send('from bob')
    expect(textsOf(await until(bobs, isSettled(1)))).toEqual(['from bob'])
    expect(await receivedBy(carol, bob.username)).toEqual(['from bob'])
    await bobs[Symbol.asyncDispose]()
    expect([...values.values()]).toEqual([expect.stringContaining('"after"')])

    const again = openTab(alice.token)
    await using later = again.client
      .forUser(alice.id)
      .conversation(carol.username)
      .live({ storage: storage() })
    expect(textsOf(await until(later, isSettled(2)))).toEqual(['before', 'after'])
  })

  it('a view keeps its messages pending while no user is signed in', async () => {
    const [alice, bob] = [await signUp(), await signUp()]
    const { storage } = slowStorage()
    const tab = openTab(alice.token)
    const view = tab.client.conversation(bob.username).live({ storage: storage() })
    await until(view, ({ isLoaded }) => isLoaded)
    await tab.client.sessions.end()
    view.send('hello')
    const { unsent, error } = await until(view, ({ connection }) => connection === 'closed')
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(unsent).toMatchObject([{ text: 'hello', status: 'pending' }])
  })

  it('every call and stream of a client for one user fails', async () => {
    const [alice, bob] = [await signUp(), await signUp()]
    const tab = openTab(alice.token)
    const client = tab.client.forUser(alice.id)
    const inbox = client.conversations.live()
    await until(inbox, ({ isLoaded }) => isLoaded)
    inbox.close()
    await client.messages.send({ to: bob.username, text: 'hello' })
    const connected = Promise.withResolvers<void>()
    const stream = client.events({ onStatus: () => connected.resolve() })
    const next = stream.next()
    await connected.promise
    await stream.return()
    await next
    expect(tab.requests.length).toBeGreaterThan(3)
    for (const request of tab.requests)
      expect(request, request.path).toMatchObject({ 'expected-user': alice.id })
    tab.token = bob.token
    const mismatch = { code: 'USER_MISMATCH' }
    await expect(client.messages.send({ to: bob.username, text: 'hello' })).rejects.toMatchObject(mismatch)
    await expect(client.events().next()).rejects.toMatchObject(mismatch)
  })
})
