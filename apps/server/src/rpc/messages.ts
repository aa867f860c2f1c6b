import { contract } from '@sotto/contract'
import { deleteMessage } from '../messaging/delete-message.ts'
import { editMessage } from '../messaging/edit-message.ts'
import { getMessage } from '../messaging/get-message.ts'
import { listMessages } from '../messaging/list-messages.ts'
import { react, unreact } from '../messaging/react.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { procedure, router } from './trpc.ts'

const { messages } = contract

/** A like is this reaction. */
const LIKE = '👍'

export const messagesRouter = router({
  send: procedure(messages.send).mutation(({ ctx, input }) => sendMessage(ctx, input)),
  list: procedure(messages.list).query(({ ctx, input }) => listMessages(ctx, input)),
  get: procedure(messages.get).query(({ ctx, input }) => getMessage(ctx, input)),
  edit: procedure(messages.edit).mutation(({ ctx, input }) => editMessage(ctx, input)),
  delete: procedure(messages.delete).mutation(({ ctx, input }) => deleteMessage(ctx, input)),
  like: procedure(messages.like).mutation(({ ctx, input }) => react(ctx, { ...input, emoji: LIKE })),
  unlike: procedure(messages.unlike).mutation(({ ctx, input }) => unreact(ctx, { ...input, emoji: LIKE })),
  react: procedure(messages.react).mutation(({ ctx, input }) => react(ctx, input)),
  unreact: procedure(messages.unreact).mutation(({ ctx, input }) => unreact(ctx, input)),
})
