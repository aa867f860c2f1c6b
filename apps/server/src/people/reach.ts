import { SottoError } from '@sotto/contract'
import type { Relationship } from '@sotto/db'

/*
 * The rules on which users may reach each other. They apply to all callers with an actor, including service keys. If
 * they are checked under the lock of the direct conversation, the result holds until the transaction ends.
 */

/** The setting SOTTO_DIRECT_MESSAGES: whether users who are not contacts may message each other. */
export interface ReachRules {
  readonly directMessages: 'everyone' | 'contacts'
}

/**
 * Requires that a user may message another user, react to their direct messages, or add them to a group.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireReach({ directMessages }: ReachRules, relationship: Relationship): void {
  requireNoBlock(relationship)
  if (relationship === 'strangers' && directMessages === 'contacts') throw notAccepted()
}

/**
 * Requires that neither of two users has blocked the other.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireNoBlock(relationship: Relationship): void {
  if (relationship === 'blocking')
    throw new SottoError('FORBIDDEN', { detail: 'you have blocked this user: unblock them first' })
  if (relationship === 'blocked') throw notAccepted()
}

/** The same error for blocked users and strangers, so that it does not reveal a block. */
function notAccepted(): SottoError {
  return new SottoError('FORBIDDEN', { detail: 'this user does not accept this from you' })
}
