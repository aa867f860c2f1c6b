import type { Message } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { ConversationModel } from './conversation-model.ts'
import type { Drafts, UnsentMessage } from './drafts.ts'
import type { LiveSource } from './live-state.ts'
import type { Pauses } from './pauses.ts'

interface Options {
  model: ConversationModel
  drafts: Drafts
  source: LiveSource
  pauses: Pauses
  /** Ends it. */
  signal: AbortSignal
  onChange: () => void
  /** It is tried again. */
  onError: (error: unknown) => void
}

/** Sends what is unsent, one after the other, each until it is answered: a message of the server, or a refusal. */
export class Delivery {
  readonly #options: Options
  /** Messages that were answered but are not in the window yet: the seq, by clientMessageId. */
  readonly #answered = new Map<string, number>()
  #isRunning = false
  #current: { clientMessageId: string; controller: AbortController } | undefined

  constructor(options: Options) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.#current?.controller.abort(), { once: true })
  }

  /** To be called whenever there may be something to send. */
  run(): void {
    if (this.#isRunning || this.#options.signal.aborted) return
    this.#isRunning = true
    void this.#untilDelivered().finally(() => {
      this.#isRunning = false
    })
  }

  /** Forgets an unsent message. One that is on its way may arrive all the same. */
  discard(clientMessageId: string): void {
    this.#options.drafts.remove(clientMessageId)
    if (this.#current?.clientMessageId === clientMessageId) this.#current.controller.abort()
  }

  /** Takes out the drafts that are among the conversation's messages now. */
  settle(): void {
    const { drafts, model } = this.#options
    if (drafts.list.length === 0) return
    for (const [clientMessageId, seq] of this.#answered) {
      const { last, follows } = model.window
      // Where the window is elsewhere, nothing is to come that would take the draft's place.
      if (!model.isLoaded || (follows && seq > last)) continue
      this.#answered.delete(clientMessageId)
      drafts.remove(clientMessageId)
    }
    for (const { clientMessageId, isMine } of model.window.list) {
      if (clientMessageId !== null && isMine) drafts.remove(clientMessageId)
    }
  }

  async #untilDelivered(): Promise<void> {
    const { drafts, model, signal, pauses, onChange, onError } = this.#options
    await drafts.restored
    for (let attempt = 1; !signal.aborted; ) {
      const draft = drafts.list.find(
        ({ status, clientMessageId }) => status === 'pending' && !this.#answered.has(clientMessageId),
      )
      if (!draft) return
      const { clientMessageId } = draft
      const controller = new AbortController()
      this.#current = { clientMessageId, controller }
      try {
        await model.window.ask(
          () => this.#send(draft, controller.signal),
          (message, put) => this.#onAnswer(clientMessageId, message, put),
        )
        attempt = 1
      } catch (error) {
        if (controller.signal.aborted) continue
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
    const { status: _, isMine: __, createdAt: ___, error: ____, ...content } = draft
    const to = typeof model.target === 'string' ? { to: model.target } : model.target
    return source.calls.messages.send({ ...to, ...content }, { signal })
  }

  #onAnswer(clientMessageId: string, message: Message, put: (message: Message) => void): void {
    const { drafts, model, onChange } = this.#options
    if (model.conversationId === undefined) model.head.isStale = true
    model.me ??= message.senderId
    // An event may have brought it before.
    if (drafts.find(clientMessageId)) {
      this.#answered.set(clientMessageId, message.seq)
      model.noteSeq(message.seq)
      if (model.isLoaded && model.conversationId !== undefined) model.changeWindow(() => put(message))
    }
    onChange()
  }
}
