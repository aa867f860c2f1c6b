import type { Lane, SendValues } from './world.ts'

/** A send in the making: the values that its statements hand on. */
export interface Turn {
  messageId: string
  seq: number
}

/** A time within a text, as JSON has it. */
export const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/

/** The texts of another send by those of the captured one, the longer ones first: keys are made of ids. */
export function textsOf(from: SendValues, to: Lane): [captured: string, other: string][] {
  return [
    [keyOf(from.lane), keyOf(to)],
    [from.lane.conversationId, to.conversationId],
    [from.lane.sender.id, to.sender.id],
    [from.lane.recipient.id, to.recipient.id],
  ]
}

/** The captured parameters with the values that change from send to send put in anew, within texts too. */
export function rebind(parameters: readonly unknown[], from: SendValues, to: Lane, turn: Turn): unknown[] {
  const now = new Date()
  const texts = [...textsOf(from, to), [from.messageId, turn.messageId] as const]
  const times = new RegExp(TIME, 'g')
  function other(value: unknown): unknown {
    if (value instanceof Date) return now
    if (Array.isArray(value)) return value.map(other)
    if (value === from.seq) return turn.seq
    if (typeof value !== 'string') return value
    const text = texts.reduce((before, [captured, another]) => before.replaceAll(captured, another), value)
    return text.replaceAll(times, now.toISOString())
  }
  return parameters.map(other)
}

function keyOf({ sender, recipient }: Lane): string {
  return [sender.id, recipient.id].sort().join(':')
}
