import type { Logger } from 'pino'

/**
 * Product activity for operators to count. Events contain ids and kinds, but no names or texts. Each is emitted at most
 * once.
 */
export interface BusinessEvents {
  'user.created': { userId: string; by: 'sign-up' | 'invitation' | 'key' | 'token' | 'command' | 'setup' }
  'user.erased': { userId: string }
  'group.created': { conversationId: string; participants: number }
  /** The first message of a conversation. */
  'conversation.started': { conversationId: string; kind: 'direct' | 'group' }
  /** `userId` is the user who has accepted. */
  'contact.accepted': { userId: string; contactId: string }
}

/** Emits an event. Call it after the commit. */
export type EmitBusinessEvent = <Name extends keyof BusinessEvents>(
  name: Name,
  about: BusinessEvents[Name],
) => void

/** Logs each event as `{ event, … }` and counts it. Add other destinations here. */
export function businessEventsTo(
  log: Pick<Logger, 'info'>,
  metrics: { businessEvent(name: keyof BusinessEvents): void },
): EmitBusinessEvent {
  return (name, about) => {
    const line: object = { event: name, ...about }
    log.info(line, 'business event')
    metrics.businessEvent(name)
  }
}
