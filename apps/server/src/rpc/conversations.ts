import { contract } from '@sotto/contract'
import { requireActor } from '../auth/access.ts'
import { createGroup } from '../messaging/create-group.ts'
import { getConversation, getDirectConversation } from '../messaging/get-conversation.ts'
import { listDirectMessages, listMessagesOfConversation } from '../messaging/list-conversation-messages.ts'
import { listConversations } from '../messaging/list-conversations.ts'
import { listParticipants } from '../messaging/list-participants.ts'
import { listReceipts } from '../messaging/list-receipts.ts'
import { markRead } from '../messaging/mark-read.ts'
import { removeParticipant } from '../messaging/remove-participant.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { setParticipant } from '../messaging/set-participant.ts'
import { updateGroup } from '../messaging/update-group.ts'
import { setTyping } from '../realtime/set-typing.ts'
import { mutation, query, router } from './trpc.ts'

const { conversations, direct, participants } = contract

export const conversationsRouter = router({
  list: query(conversations.list, listConversations),
  get: query(conversations.get, getConversation),
  messages: query(conversations.messages, listMessagesOfConversation),
  create: mutation(conversations.create, createGroup),
  update: mutation(conversations.update, updateGroup),
  receipts: query(conversations.receipts, listReceipts),
  read: mutation(conversations.read, markRead),
  typing: mutation(conversations.typing, setTyping),
})

export const participantsRouter = router({
  list: query(participants.list, listParticipants),
  set: mutation(participants.set, setParticipant),
  remove: mutation(participants.remove, removeParticipant),
})

export const directRouter = router({
  get: query(direct.get, getDirectConversation),
  messages: query(direct.messages, listDirectMessages),
  send: mutation(direct.send, (ctx, { user, ...content }) => {
    requireActor(ctx)
    return sendMessage(ctx, { to: user, ...content })
  }),
})
