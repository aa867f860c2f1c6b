import vm from 'node:vm'
import { createClient } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createReactNative } from '../../../scripts/consumer/react-native.ts'
import { listApis, namesMissing, parseApis } from '../../../scripts/consumer/used-apis.ts'
import { scriptOf } from './support/bundle.ts'

const program = `
import { createClient, SottoError } from '@sotto/sdk'

function until(view, holds) {
  return new Promise((resolve) => {
    const check = () => holds(view.state) && resolve(view.state)
    view.subscribe(check)
    check()
  })
}

globalThis.scenario = async ({ url, token, alice: a, bob: b }) => {
  const bob = createClient({ url, token }).as(b)
  const alice = createClient({ url, basic: { username: a, password: 'pâsswörd 🔑' } })
  await alice.messages.send({ to: b, text: 'first 🎉' })

  let connect
  const isConnected = new Promise((resolve) => (connect = resolve))
  const stream = bob.events({ onStatus: (status) => status === 'connected' && connect() })
  async function streamed() {
    for await (const event of stream) if (event.type === 'message.created') return event
  }
  const event = streamed()
  await isConnected
  await alice.messages.send({ to: b, text: 'second' })
  const { message } = await event

  const listed = []
  for await (const { text } of bob.direct.messages({ user: a, limit: 1 })) listed.push(text)

  let onStored
  const stored = new Promise((resolve) => (onStored = resolve))
  const live = bob.conversation(a).live({ storage: { get() {}, set: (_, value) => onStored(value) } })
  await until(live, ({ isLoaded, messages }) => isLoaded && messages.length === 2)
  live.send('third')
  await until(live, ({ messages }) => messages[2]?.status === 'sent')
  await alice.messages.send({ to: b, text: 'fourth' })
  const { messages } = await until(live, ({ messages }) => messages.length === 4)
  live.close()
  const inbox = bob.conversations.live()
  const { conversations } = await until(inbox, ({ isLoaded }) => isLoaded)
  inbox.close()

  const controller = new AbortController()
  const aborted = bob.users.list({}, { signal: controller.signal }).catch(({ name }) => name)
  controller.abort()
  const late = bob.users.list({}, { timeoutMs: 0 }).catch((error) => [error instanceof SottoError, error.code])
  return JSON.stringify({
    streamed: [message.text, typeof message.createdAt.getTime()],
    listed,
    live: messages.map(({ text }) => text),
    stored: JSON.parse(await stored).map(({ content }) => content.text),
    inbox: conversations.map(({ lastMessage }) => lastMessage.text),
    failures: [
      await aborted,
      await late,
      await bob.messages.get({ messageId: 'none' }).catch(({ code }) => code),
      await createClient({ url, token: 'sk_wrong' }).as(b).events().next().catch(({ code }) => code),
    ],
  })
}
`

/** What the client uses only where it exists. */
const optional = [
  ...['.asyncDispose', '.asyncIterator', '.reason', '.throwIfAborted', 'DOMException'],
  ...['.getRandomValues', 'crypto', 'atob', 'MessageChannel', '.onmessage', '.postMessage'],
  ...['.body', '.cancel', '.decode', '.getReader', '.read', 'TextDecoder'],
  '.locks',
]
/** Names of its own that mean something else elsewhere. */
const own = [
  ...[
    '.code',
    '.current',
    '.data',
    '.describe',
    '.detail',
    '.dispose',
    '.error',
    '.load',
    '.mark',
    '.notify',
  ],
  ...['.pause', '.start', '.take', '.target', '.view', '.wait'],
]

let server: RunningServer
let script: string
beforeAll(async () => {
  server = await startServer('sqlite')
  script = await scriptOf(program)
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

describe('in a bare React Native environment, the client', () => {
  it.each([
    ['a WebSocket', true],
    ['long polling', false],
  ])('sends, lists, streams and shows live views over %s', async (_, connects) => {
    using reactNative = createReactNative({ connects })
    const [alice, bob] = [`alice-${connects}`, `bob-${connects}`]
    const admin = createClient({ url: server.url, token: server.serviceKey })
    for (const username of [alice, bob]) await admin.users.create({ username, password: 'pâsswörd 🔑' })
    reactNative.run(script)
    const scenario = reactNative.globals.scenario as (input: object) => Promise<string>
    const result = await scenario({ url: server.url, token: server.serviceKey, alice, bob })
    expect(JSON.parse(result)).toEqual({
      streamed: ['second', 'number'],
      listed: ['second', 'first 🎉'],
      live: ['first 🎉', 'second', 'third', 'fourth'],
      stored: ['third'],
      inbox: ['fourth'],
      failures: ['AbortError', [true, 'UNAVAILABLE'], 'MESSAGE_NOT_FOUND', 'UNAUTHENTICATED'],
    })
    expect(reactNative.requests).not.toContain(`${server.url}/v1/events`)
  })

  it('uses nothing else that the environment does not have', () => {
    using reactNative = createReactNative()
    const here = parseApis(reactNative.run(listApis))
    const there = parseApis(vm.runInThisContext(listApis))
    const known = new Set([...optional, ...own])
    expect(namesMissing(script, { there, here }).filter((name) => !known.has(name))).toEqual([])
  })
})
