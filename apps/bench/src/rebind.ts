import type { Pair, SendValues } from './fixture.ts'

/** A send in progress: the values that its statements pass on. */
export interface SendState {
  messageId: string
  seq: number
}

/** A time in a string, as in JSON. */
export const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/

/**
 * Pairs of captured strings and their replacements for another send. Longer ones come first, because keys contain ids.
 */
export function textsOf(from: SendValues, to: Pair): [captured: string, other: string][] {
  return [
    [keyOf(from.pair), keyOf(to)],
    [from.pair.conversationId, to.conversationId],
    [from.pair.sender.id, to.sender.id],
    [from.pair.recipient.id, to.recipient.id],
  ]
}

/** Replaces the values that change from send to send in captured parameters, including inside strings. */
export function rebind(
  parameters: readonly unknown[],
  from: SendValues,
  to: Pair,
  send: SendState,
): unknown[] {
  const now = new Date()
  const texts = [...textsOf(from, to), [from.messageId, send.messageId] as const]
  const times = new RegExp(TIME, 'g')
  function other(value: unknown): unknown {
    if (value instanceof Date) return now
    if (Array.isArray(value)) return value.map(other)
    if (value === from.seq) return send.seq
    if (typeof value !== 'string') return value
    const text = texts.reduce((before, [captured, another]) => before.replaceAll(captured, another), value)
    return text.replaceAll(times, now.toISOString())
  }
  return parameters.map(other)
}

function keyOf({ sender, recipient }: Pair): string {
  return [sender.id, recipient.id].sort().join(':')
}
