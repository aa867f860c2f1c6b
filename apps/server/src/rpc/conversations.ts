import { contract } from '@sotto/contract'
import { requireActor } from '../access.ts'
import { getConversation, getDirectConversation } from '../messaging/get-conversation.ts'
import { listDirectMessages, listMessagesOfConversation } from '../messaging/list-conversation-messages.ts'
import { listConversations } from '../messaging/list-conversations.ts'
import { markRead } from '../messaging/mark-read.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { setTyping } from '../realtime/set-typing.ts'
import { procedure, router } from './trpc.ts'

const { conversations, direct } = contract

export const conversationsRouter = router({
  list: procedure(conversations.list).query(({ ctx, input }) => listConversations(ctx, input)),
  get: procedure(conversations.get).query(({ ctx, input }) => getConversation(ctx, input)),
  messages: procedure(conversations.messages).query(({ ctx, input }) =>
    listMessagesOfConversation(ctx, input),
  ),
  read: procedure(conversations.read).mutation(({ ctx, input }) => markRead(ctx, input)),
  typing: procedure(conversations.typing).mutation(({ ctx, input }) => setTyping(ctx, input)),
})

export const directRouter = router({
  get: procedure(direct.get).query(({ ctx, input }) => getDirectConversation(ctx, input)),
  messages: procedure(direct.messages).query(({ ctx, input }) => listDirectMessages(ctx, input)),
  send: procedure(direct.send).mutation(({ ctx, input: { user, ...content } }) => {
    requireActor(ctx)
    return sendMessage(ctx, { to: user, ...content })
  }),
})
