import type { Contract, SottoError } from '@sotto/contract'
import type { InputOf } from './operation.ts'
import { randomId } from './random-id.ts'

/** The content of a message: text, image or video. */
export type MessageContent = Omit<InputOf<Contract['direct']['send']>, 'user' | 'clientMessageId'>

/** A message that the server does not have yet or has rejected. */
export interface UnsentMessage extends MessageContent {
  readonly status: 'pending' | 'failed'
  readonly isMine: true
  readonly clientMessageId: string
  /** The same once it is sent, unlike its id. For lists, such as React's. */
  readonly key: string
  /** From the local clock. */
  readonly createdAt: Date
  /** Why it was rejected permanently. Undefined while it is pending. */
  readonly error: SottoError | undefined
}

export function unsentMessage(content: string | MessageContent): UnsentMessage {
  const clientMessageId = randomId()
  return {
    ...(typeof content === 'string' ? { text: content } : content),
    ...{
      clientMessageId,
      key: clientMessageId,
      createdAt: new Date(),
      status: 'pending',
      isMine: true,
      error: undefined,
    },
  }
}
