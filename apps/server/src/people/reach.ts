import { SottoError } from '@sotto/contract'
import type { Relationship } from '@sotto/db'

/*
 * Who may reach whom. It binds whoever acts as a user, a service key that names one too. Asked in the turn of the
 * pair's direct conversation, it holds until the transaction ends.
 */

/** The setting that decides whether strangers may write to each other. */
export interface ReachRules {
  readonly directMessages: 'everyone' | 'contacts'
}

/**
 * Whether a user may write to another, react to their direct messages, or add them to a group.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireReach({ directMessages }: ReachRules, relationship: Relationship): void {
  requireNoBlock(relationship)
  if (relationship === 'strangers' && directMessages === 'contacts') throw unwanted()
}

/**
 * Whether neither of two users has blocked the other.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireNoBlock(relationship: Relationship): void {
  if (relationship === 'blocking')
    throw new SottoError('FORBIDDEN', { detail: 'you have blocked this user: unblock them first' })
  if (relationship === 'blocked') throw unwanted()
}

/** To the blocked the same as to strangers, so that a refusal does not tell which of the two one is. */
function unwanted(): SottoError {
  return new SottoError('FORBIDDEN', { detail: 'this user does not accept this from you' })
}
