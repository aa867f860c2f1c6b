import { SottoError } from '@sotto/contract'
import type { LogPosition } from '@sotto/db'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'

/** PostgreSQL's xid8 is 64 bits wide. */
const MAX_XID = 2n ** 64n - 1n

/**
 * Where a user stands in the log.
 *
 * The time of the event at that place is its fingerprint: a log that was restored, and then went on otherwise,
 * has another event there.
 */
export interface EventCursor {
  epoch: string
  userId: string
  position: LogPosition
  at: Date
}

export function encodeEventCursor({ epoch, userId, position, at }: EventCursor): string {
  return encodeCursor('events', [epoch, userId, position.xid, position.id, at.getTime()])
}

/** @throws {SottoError} INVALID_CURSOR for garbage, and for somebody else's. */
export function decodeEventCursor(cursor: string, userId: string): EventCursor {
  const [epoch, owner, xid, id, at] = decodeCursor('events', cursor)
  if (owner !== userId || String(BigInt(xid)) !== xid || BigInt(xid) > MAX_XID)
    throw new SottoError('INVALID_CURSOR')
  return { epoch, userId, position: { xid, id }, at: new Date(at) }
}
