import type { LimitName } from '@sotto/contract'

/** A number of units per period. Bursts are allowed; spent units are restored evenly over the period. */
export interface Rate {
  count: number
  seconds: number
}

/** The rates of callers; null for unlimited. `keys` applies to all calls of a service key. */
export type Rates = Readonly<Record<LimitName | 'keys', Rate | null>>

const MAX_COUNT = 1_000_000
const MAX_SECONDS = 3_600

export const RATE_SYNTAX = `must be off or <count>/<seconds>s such as 60/10s, with a count from 1 to ${MAX_COUNT} and 1 to ${MAX_SECONDS} seconds`

/** Parses `60/10s` or `off`. Returns null for off and undefined for invalid text. */
export function parseRate(text: string): Rate | null | undefined {
  if (text === 'off') return null
  const [, count = '', seconds = ''] = /^(\d{1,7})\/(\d{1,4})s$/.exec(text) ?? []
  const rate = { count: Number(count), seconds: Number(seconds) }
  const isWithin = (value: number, max: number) => value >= 1 && value <= max
  return isWithin(rate.count, MAX_COUNT) && isWithin(rate.seconds, MAX_SECONDS) ? rate : undefined
}
