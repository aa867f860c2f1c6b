// Type-checked with several versions of TypeScript.
import {
  SottoProvider,
  type useConversations,
  useMessages,
  type usePresence,
  useSend,
  useTyping,
} from '@sotto/react'
import type {
  Event,
  EventStream,
  LiveConversation,
  LiveState,
  Message,
  RouterInputs,
  RouterOutputs,
  SottoClient,
  WebhookEvent,
} from '@sotto/sdk'
import { createClient } from '@sotto/sdk'

/** Syntax that a compiler does not know makes a declaration `any` if `skipLibCheck` hides the error. */
type IsAny<T> = 0 extends 1 & T ? true : false
type ItemOf<Stream> = Stream extends { next(): Promise<IteratorResult<infer Item, unknown>> } ? Item : never

export const areAny: [
  IsAny<SottoClient['messages']>,
  IsAny<Event>,
  IsAny<EventStream>,
  IsAny<ItemOf<EventStream>>,
  IsAny<LiveConversation>,
  IsAny<LiveState>,
  IsAny<Message>,
  IsAny<RouterInputs['messages']['send']>,
  IsAny<RouterOutputs['messages']['send']>,
  IsAny<RouterOutputs['messages']['send']['createdAt']>,
  IsAny<WebhookEvent>,
  IsAny<ReturnType<typeof useConversations>['conversations']>,
  IsAny<ReturnType<typeof usePresence>>,
] = [false, false, false, false, false, false, false, false, false, false, false, false, false]

const sotto = createClient({ url: 'https://chat.example.com', token: async () => 'st_…' })

function Chat({ user }: { user: string }) {
  const { messages } = useMessages(user)
  const { send } = useSend(user)
  const { typing } = useTyping({ conversationId: user })
  const latest: Date | undefined = messages.at(-1)?.createdAt
  return (
    <button type="button" onClick={() => send('Hello!')}>
      {messages.map(({ text }) => text)} {typing.length} {latest?.toISOString()}
    </button>
  )
}

export const app = (
  <SottoProvider client={sotto}>
    <Chat user="bob" />
  </SottoProvider>
)

export async function inANewTab(stream: EventStream): Promise<string[]> {
  const texts: string[] = []
  for await (const event of stream) {
    // @ts-expect-error: not every event has a message
    texts.push(event.message.id)
    if (event.type === 'message.created') texts.push(event.message.id)
  }
  return texts
}
