import { SottoError } from '@sotto/contract'
import type { Relationship } from '@sotto/db'

/*
 * Rules on who may reach whom. They bind every caller who acts as a user, including service keys with an actor.
 * Checked under the lock of the direct conversation, the result holds until the transaction ends.
 */

/** The setting that decides whether users who are not contacts may message each other. */
export interface ReachRules {
  readonly directMessages: 'everyone' | 'contacts'
}

/**
 * Requires that a user may message another, react to their direct messages, or add them to a group.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireReach({ directMessages }: ReachRules, relationship: Relationship): void {
  requireNoBlock(relationship)
  if (relationship === 'strangers' && directMessages === 'contacts') throw unwanted()
}

/**
 * Requires that neither of two users has blocked the other.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireNoBlock(relationship: Relationship): void {
  if (relationship === 'blocking')
    throw new SottoError('FORBIDDEN', { detail: 'you have blocked this user: unblock them first' })
  if (relationship === 'blocked') throw unwanted()
}

/** The same for blocked users and strangers, so that the error does not reveal a block. */
function unwanted(): SottoError {
  return new SottoError('FORBIDDEN', { detail: 'this user does not accept this from you' })
}
