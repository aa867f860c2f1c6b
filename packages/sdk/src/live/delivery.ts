import type { Message } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { UnsentMessage } from '../unsent-message.ts'
import type { ConversationModel } from './conversation-model.ts'
import type { Drafts } from './drafts.ts'
import type { LiveSource } from './live-state.ts'
import type { Pauses } from './pauses.ts'

interface Options {
  model: ConversationModel
  drafts: Drafts
  source: LiveSource
  pauses: Pauses
  /** Stops it. */
  signal: AbortSignal
  onChange: () => void
  /** Called for an error that is followed by a retry. */
  onError: (error: unknown) => void
  /** Called if the caller cannot send any message, now or later. */
  onFailure: (error: unknown) => void
}

/** Sends unsent messages one at a time, each until the server accepts or rejects it. */
export class Delivery {
  readonly #options: Options
  /** Accepted messages that are not in the window yet: the seq by clientMessageId. */
  readonly #accepted = new Map<string, number>()
  #isRunning = false
  #current: { clientMessageId: string; controller: AbortController } | undefined

  constructor(options: Options) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.#current?.controller.abort(), { once: true })
  }

  /** Call this whenever there may be something to send. */
  run(): void {
    if (this.#isRunning || this.#options.signal.aborted) return
    this.#isRunning = true
    void this.#deliver().finally(() => {
      this.#isRunning = false
    })
  }

  /** Removes an unsent message. If it is being sent, it may still arrive. */
  discard(clientMessageId: string): void {
    this.#options.drafts.discard(clientMessageId)
    if (this.#current?.clientMessageId === clientMessageId) this.#current.controller.abort()
  }

  /** Removes drafts that are now among the conversation's messages. */
  settle(): void {
    const { drafts, model } = this.#options
    if (drafts.list.length === 0) return
    for (const [clientMessageId, seq] of this.#accepted) {
      const { last, follows } = model.window
      // If the window is elsewhere, the message will not enter it to replace the draft.
      if (!model.isLoaded || (follows && seq > last)) continue
      this.#accepted.delete(clientMessageId)
      drafts.remove(clientMessageId)
    }
    for (const { clientMessageId, isMine } of model.window.values()) {
      if (clientMessageId !== null && isMine) drafts.remove(clientMessageId)
    }
  }

  async #deliver(): Promise<void> {
    const { drafts, model, signal, pauses, onChange, onError, onFailure } = this.#options
    await drafts.restored
    for (let attempt = 1; !signal.aborted; ) {
      const draft = drafts.next((clientMessageId) => this.#accepted.has(clientMessageId))
      if (!draft) return
      const { clientMessageId } = draft
      const controller = new AbortController()
      this.#current = { clientMessageId, controller }
      try {
        await model.window.fetch(
          () => this.#send(draft, controller.signal),
          (message, put) => this.#onSent(clientMessageId, message, put),
        )
        attempt = 1
      } catch (error) {
        if (controller.signal.aborted) continue
        if (isAboutCaller(error)) return onFailure(error)
        if (error instanceof SottoError && !error.retryable) {
          drafts.fail(clientMessageId, error)
          onChange()
        } else {
          onError(error)
          await pauses.wait(attempt)
          attempt += 1
        }
      } finally {
        this.#current = undefined
      }
    }
  }

  #send(draft: UnsentMessage, signal: AbortSignal): Promise<Message> {
    const { model, source } = this.#options
    const { status: _, isMine: __, key: ___, createdAt: ____, error: _____, ...content } = draft
    const to = typeof model.target === 'string' ? { to: model.target } : model.target
    return source.calls.messages.send({ ...to, ...content }, { signal })
  }

  #onSent(clientMessageId: string, message: Message, put: (message: Message) => void): void {
    const { drafts, model, onChange } = this.#options
    if (model.conversationId === undefined) model.head.isStale = true
    model.me ??= message.senderId
    // An event may have delivered it already.
    if (drafts.find(clientMessageId)) {
      this.#accepted.set(clientMessageId, message.seq)
      model.noteSeq(message.seq)
      if (model.isLoaded && model.conversationId !== undefined) model.changeWindow(() => put(message))
    }
    onChange()
  }
}

/** Whether the message itself was not rejected, and can be sent once its user is signed in again. */
function isAboutCaller(error: unknown): boolean {
  return error instanceof SottoError && (error.code === 'UNAUTHENTICATED' || error.code === 'USER_MISMATCH')
}
