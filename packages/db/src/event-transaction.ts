import type { Transaction } from 'kysely'
import type { Schema } from './schema.ts'

declare const wakesReaders: unique symbol

/**
 * A transaction that wakes the readers of the event log after its commit. Appending events requires one: readers would
 * not see an event from another transaction until their next poll.
 */
export type EventTransaction = Transaction<Schema> & { readonly [wakesReaders]: true }
