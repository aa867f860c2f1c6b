import { contract } from '@sotto/contract'
import { deleteMessage } from '../messaging/delete-message.ts'
import { editMessage } from '../messaging/edit-message.ts'
import { getMessage } from '../messaging/get-message.ts'
import { listMessages } from '../messaging/list-messages.ts'
import { react, unreact } from '../messaging/react.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { mutation, query, router } from './trpc.ts'

const { messages } = contract

/** A like is this reaction. */
const LIKE = '👍'

export const messagesRouter = router({
  send: mutation(messages.send, sendMessage),
  list: query(messages.list, listMessages),
  get: query(messages.get, getMessage),
  edit: mutation(messages.edit, editMessage),
  delete: mutation(messages.delete, deleteMessage),
  like: mutation(messages.like, (ctx, input) => react(ctx, { ...input, emoji: LIKE })),
  unlike: mutation(messages.unlike, (ctx, input) => unreact(ctx, { ...input, emoji: LIKE })),
  react: mutation(messages.react, react),
  unreact: mutation(messages.unreact, unreact),
})
