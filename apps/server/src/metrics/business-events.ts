import type { Logger } from 'pino'

/**
 * What happens that whoever runs a Sotto wants to count, and what is said of each: ids and kinds, never a name or a
 * text. Each has happened once for each time that it is told.
 */
export interface BusinessEvents {
  'user.created': { userId: string; by: 'sign-up' | 'invitation' | 'key' | 'token' | 'command' | 'setup' }
  'user.erased': { userId: string }
  'group.created': { conversationId: string; participants: number }
  /** The first message of a conversation. */
  'conversation.started': { conversationId: string; kind: 'direct' | 'group' }
  /** Two are contacts of each other; the first is the one who has accepted. */
  'contact.accepted': { userId: string; contactId: string }
}

/** Tells that something happened, once it is committed. */
export type EmitBusinessEvent = <Name extends keyof BusinessEvents>(
  name: Name,
  about: BusinessEvents[Name],
) => void

/** Logs each, as `{ event, … }`, and counts it. The one place for whoever wants them elsewhere as well. */
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
