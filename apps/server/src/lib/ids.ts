import { randomBytes } from 'node:crypto'
import { MAX_CLOCK_DIFFERENCE_MS } from './clock.ts'

export type NewId = () => string

const COUNTER_BITS = 12
const COUNTER_LIMIT = 1 << COUNTER_BITS

/**
 * Generates UUIDv7 (RFC 9562): 48 bits of milliseconds, a 12-bit counter (method 1) and 62 random bits. The ids of one
 * generator ascend, even within a millisecond, unless the clock moves back by more than a minute.
 */
export function createIds(now: () => Date): NewId {
  let time = 0
  let counter = 0
  return function newId() {
    const current = now().getTime()
    // After a clock that was ahead, the order of new ids counts more than that of the ids it led to.
    if (current > time || time > current + MAX_CLOCK_DIFFERENCE_MS) {
      time = current
      // Starts in the lower half, to leave room for counting up.
      counter = randomBytes(2).readUInt16BE() & (COUNTER_LIMIT / 2 - 1)
    } else if (++counter === COUNTER_LIMIT) {
      time++
      counter = 0
    }
    const random = randomBytes(8)
    random.writeUInt8((random.readUInt8(0) & 0x3f) | 0x80, 0)
    const tail = random.toString('hex')
    const head = time.toString(16).padStart(12, '0')
    const middle = (0x7000 | counter).toString(16)
    return `${head.slice(0, 8)}-${head.slice(8)}-${middle}-${tail.slice(0, 4)}-${tail.slice(4)}`
  }
}
