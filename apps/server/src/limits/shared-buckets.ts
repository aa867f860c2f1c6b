import type { CommandParser } from '@redis/client'
import type { Charge } from './buckets.ts'

/** Buckets shared by several servers. */
export interface SharedBuckets {
  /**
   * Applies all charges or none.
   *
   * @returns how far each bucket was from full, in microseconds; undefined if Redis does not answer in time.
   */
  take(charges: readonly Charge[]): Promise<readonly number[] | undefined>
}

const KEY_PREFIX = 'sotto:limit:'

/**
 * `judge` of buckets.ts, run in Redis, with the clock of Redis, so that clock differences between servers do not
 * matter. A full bucket expires.
 */
export const takeScript = {
  SCRIPT: `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local owed, allowed = {}, true
for i, key in ipairs(KEYS) do
  local interval, capacity = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full = tonumber(redis.call('GET', key) or now)
  owed[i] = math.min(math.max(full - now, 0), capacity)
  if owed[i] + interval > capacity then allowed = false end
end
if allowed then
  for i, key in ipairs(KEYS) do
    local left = owed[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.0f', now + left), 'PX', math.ceil(left / 1000))
  end
end
return owed`,
  parseCommand(parser: CommandParser, charges: readonly Charge[]): void {
    parser.pushKeysLength(charges.map(({ key }) => KEY_PREFIX + key))
    for (const { policy } of charges) parser.push(String(policy.intervalUs), String(policy.capacityUs))
  },
  transformReply: (owedUs: number[]): readonly number[] => owedUs,
}
