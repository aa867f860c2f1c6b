// A program that uses the installed package. package.test.ts compiles and runs it outside this repository.
import type {
  Event,
  EventStream,
  LiveConversation,
  LiveMessage,
  Message,
  RouterInputs,
  RouterOutputs,
  SottoClient,
} from '@sotto/sdk'
import { createClient, SottoError, webSocket } from '@sotto/sdk'
import { signUserToken } from '@sotto/sdk/server'
import { token, url } from './where.ts'

const sotto: SottoClient = createClient({ url, token: () => Promise.resolve(token) })
const [alice, bob] = [`alice-${Date.now()}`, `bob-${Date.now()}`]
for (const username of [alice, bob]) await sotto.users.create({ username })

const cursor: string = (await sotto.as(bob).events.pull()).cursor
const input: RouterInputs['messages']['send'] = { to: bob, text: 'hello' }
const sent: RouterOutputs['messages']['send'] = await sotto.as(alice).messages.send(input)
const createdAt: Date = sent.createdAt
await Promise.all(['1', '2', '3'].map((text) => sotto.as(alice).direct.send({ user: bob, text })))

const texts: Message['text'][] = []
for await (const page of sotto.messages.between([alice, bob], { limit: 3 }).pages()) {
  texts.push(...page.items.map(({ text }) => text))
}
const { items } = await sotto.as(bob).conversations.list()

// Receive events, then use a live conversation.
const stream: EventStream = sotto.as(bob).events({ signal: AbortSignal.timeout(10_000), cursor })
const types: Event['type'][] = []
for await (const event of stream) {
  types.push(event.type)
  if (event.type === 'message.created' && event.message.text === '3') break
}
const live: LiveConversation = sotto.as(bob).conversation(alice).live()
live.send('live')
await new Promise<void>((resolve) => {
  live.subscribe(() => {
    const last: LiveMessage | undefined = live.getSnapshot().messages.at(-1)
    if (last?.status === 'sent' && last.text === 'live') resolve()
  })
})
live.close()

const signed: string = await signUserToken({ secret: token, user: alice })

let code: string | undefined
try {
  await sotto.messages.get({ messageId: 'none' }, { signal: AbortSignal.timeout(10_000), timeoutMs: 5_000 })
} catch (error) {
  if (error instanceof SottoError) code = error.code
}

// Never called: these calls must not compile.
export function wrong(): void {
  // @ts-expect-error: unknown field
  void sotto.messages.send({ to: bob, txt: 'hello' })
  // @ts-expect-error: the input is required
  void sotto.messages.get()
  // @ts-expect-error: unknown operation
  void sotto.messages.explode()
  // @ts-expect-error: token and basic exclude each other
  createClient({ url, token, basic: { username: alice, password: '' } })
}

export const overWebSocket = () => sotto.as(alice).events({ transport: webSocket() })

console.log(
  JSON.stringify({
    ...{ types, texts, unread: items[0]?.unreadCount, isDate: createdAt instanceof Date, code },
    signedParts: signed.split('.').length,
  }),
)
