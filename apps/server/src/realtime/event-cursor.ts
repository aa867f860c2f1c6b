import { SottoError } from '@sotto/contract'
import type { EventRow, LogPosition } from '@sotto/db'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'

/** PostgreSQL's xid8 is 64 bits wide. */
const MAX_XID = 2n ** 64n - 1n

/**
 * A position in the log of one epoch.
 *
 * The time of the event at this position serves as a fingerprint: if the log was restored from a backup and then
 * continued, a different event is there.
 */
export interface LogPoint {
  epoch: string
  position: LogPosition
  at: Date
}

export function pointOf(epoch: string, { xid, id, created_at: at }: EventRow): LogPoint {
  return { epoch, position: { xid, id }, at }
}

export function encodeEventCursor(userId: string, { epoch, position, at }: LogPoint): string {
  return encodeCursor('events', [epoch, userId, position.xid, position.id, at.getTime()])
}

/** @throws {SottoError} INVALID_CURSOR if the cursor is malformed or belongs to another user. */
export function decodeEventCursor(userId: string, cursor: string): LogPoint {
  const [epoch, owner, xid, id, at] = decodeCursor('events', cursor)
  if (owner !== userId || String(BigInt(xid)) !== xid || BigInt(xid) > MAX_XID)
    throw new SottoError('INVALID_CURSOR')
  return { epoch, position: { xid, id }, at: new Date(at) }
}
