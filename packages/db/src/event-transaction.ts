import type { Transaction } from 'kysely'
import type { Schema } from './schema.ts'

declare const wakesReaders: unique symbol

/**
 * A transaction that wakes the readers of the event log once it has committed. Only such a one appends events: what
 * another transaction appended would reach nobody until the next poll.
 */
export type EventTransaction = Transaction<Schema> & { readonly [wakesReaders]: true }
