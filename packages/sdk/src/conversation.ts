import type { Conversation, Message } from '@sotto/contract'
import type { LiveConversation } from './deferred-conversation.ts'
import type { List } from './list.ts'
import type { ConversationTarget, LiveOptions } from './live/live-state.ts'
import type { CallOptions, Resources } from './resources.ts'
import type { MessageContent } from './unsent-message.ts'

/** Which messages of a conversation to list. */
export interface MessagePaging {
  /** Messages with a smaller seq, newest first. */
  before?: number | undefined
  /** Messages with a larger seq, oldest first. */
  after?: number | undefined
  /** Messages sent at this time or later, oldest first. */
  since?: Date | undefined
  limit?: number | undefined
  cursor?: string | undefined
  /** 1 is the newest. Not together with `cursor`, `limit`, `before`, `after` or `since`. */
  page?: number | undefined
  pageSize?: number | undefined
}

/** A conversation of the user whom the client acts for. A direct conversation exists from its first message on. */
export interface ConversationHandle {
  /** The conversation as the user sees it. CONVERSATION_NOT_FOUND before the first message. */
  get(options?: CallOptions): Promise<Conversation>
  /** Sends a message and resolves with it once the server has stored it, like `messages.send`. */
  send(
    content: string | (MessageContent & { clientMessageId?: string | undefined }),
    options?: CallOptions,
  ): Promise<Message>
  /** The messages, newest first, or oldest first with `after` or `since`. Empty before the first message. */
  messages(paging?: MessagePaging, options?: CallOptions): List<Message>
  /** Marks messages as read up to a seq. Default: the last message. */
  markRead(seq?: number, options?: CallOptions): Promise<{ readSeq: number; unreadCount: number }>
  /** Shows the others that the user is typing, for at most 10 s, or has stopped. */
  typing(isTyping: boolean, options?: CallOptions): Promise<void>
  /**
   * A live view of the conversation, kept up to date until it is closed. All live views of a client share one stream.
   */
  live(options?: LiveOptions): LiveConversation
}

export function conversationHandle(
  target: ConversationTarget,
  { messages, direct, conversations }: Pick<Resources, 'messages' | 'direct' | 'conversations'>,
  live: (options: LiveOptions) => LiveConversation,
): ConversationHandle {
  function get(options?: CallOptions): Promise<Conversation> {
    return typeof target === 'string'
      ? direct.get({ user: target }, options)
      : conversations.get(target, options)
  }
  async function idOf(options?: CallOptions): Promise<string> {
    return typeof target === 'string' ? (await get(options)).id : target.conversationId
  }

  return {
    get,
    send: (content, options) =>
      messages.send(
        {
          ...(typeof target === 'string' ? { to: target } : target),
          ...(typeof content === 'string' ? { text: content } : content),
        },
        options,
      ),
    messages: (paging, options) =>
      typeof target === 'string'
        ? direct.messages({ ...paging, user: target }, options)
        : conversations.messages({ ...paging, ...target }, options),
    async markRead(seq, options) {
      if (seq !== undefined)
        return await conversations.read({ conversationId: await idOf(options), seq }, options)
      const { id, lastSeq } = await get(options)
      return await conversations.read({ conversationId: id, seq: lastSeq }, options)
    },
    async typing(isTyping, options) {
      await conversations.typing({ conversationId: await idOf(options), typing: isTyping }, options)
    },
    live: (options = {}) => live(options),
  }
}
