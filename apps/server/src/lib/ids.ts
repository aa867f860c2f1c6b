import { randomBytes } from 'node:crypto'

export type NewId = () => string

const COUNTER_BITS = 12
const COUNTER_LIMIT = 1 << COUNTER_BITS

/**
 * UUIDv7 as in RFC 9562: 48 bits of milliseconds, then a 12-bit counter (method 1), then 62 random bits. Ids of
 * one process ascend, also within a millisecond.
 */
export function createIds(now: () => Date): NewId {
  let time = 0
  let counter = 0
  return function newId() {
    const present = now().getTime()
    if (present > time) {
      time = present
      // Room to count upwards in.
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
