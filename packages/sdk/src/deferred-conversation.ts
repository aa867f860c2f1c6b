import { SottoError } from '@sotto/contract'
import { defer } from './deferred-view.ts'
import { initialLiveState } from './initial-states.ts'
import type { LazyPart } from './lazy-part.ts'
import type { LiveConversation as LoadedConversation } from './live/live-conversation.ts'
import type { ConversationTarget, LiveState } from './live/live-state.ts'
import { unsentMessage } from './unsent-message.ts'

/**
 * A live view of a conversation: a range of its messages, initially the newest ones, with all changes to them, until
 * `close()`.
 *
 * Converges to the server's state, even if requests or connections fail. `state` is the same object until something
 * changes.
 */
export interface LiveConversation extends Omit<LoadedConversation, 'add'> {}

/** A live view that can be used before its code is loaded. Messages sent in the meantime are in its state. */
export function deferredConversation<Part>(
  target: ConversationTarget,
  part: LazyPart<Part>,
  open: (part: Part) => LoadedConversation,
): LiveConversation {
  const deferred = defer<Part, LoadedConversation, LiveState>({
    part,
    open,
    initial: {
      ...initialLiveState,
      conversationId: typeof target === 'string' ? undefined : target.conversationId.toLowerCase(),
    },
    afterFailure: (state, error) => ({ ...state, connection: 'reconnecting', error }),
  })
  const { call, run } = deferred

  function close(): void {
    deferred.change({ ...deferred.state, connection: 'closed' })
    run((view) => view.close())
    deferred.stop(closedError())
  }

  return {
    get state() {
      return deferred.state
    },
    getSnapshot: () => deferred.state,
    subscribe: deferred.subscribe,
    send(content) {
      const { view, state } = deferred
      if (view) return view.send(content)
      if (state.connection === 'closed') throw closedError()
      const message = unsentMessage(content)
      const unsent = [...state.unsent, message]
      deferred.change({ ...state, messages: unsent, unsent })
      run((view) => view.add(message))
      return message.clientMessageId
    },
    retry: (id) => run((view) => view.retry(id)),
    discard: (id) => run((view) => view.discard(id)),
    loadOlder: () => call((view) => view.loadOlder()),
    loadNewer: () => call((view) => view.loadNewer()),
    jumpTo: (position) => call((view) => view.jumpTo(position)),
    edit: (id, text) => call((view) => view.edit(id, text)),
    delete: (id) => call((view) => view.delete(id)),
    like: (id) => call((view) => view.like(id)),
    unlike: (id) => call((view) => view.unlike(id)),
    react: (id, emoji) => call((view) => view.react(id, emoji)),
    unreact: (id, emoji) => call((view) => view.unreact(id, emoji)),
    markRead: (seq) => call((view) => view.markRead(seq)),
    typing: (isTyping) => run((view) => view.typing(isTyping)),
    close,
    async [Symbol.asyncDispose]() {
      close()
      // Rejected if the code could not be loaded.
      await call((view) => view[Symbol.asyncDispose]()).catch(() => {})
    },
  }
}

function closedError(): SottoError {
  return new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' })
}
