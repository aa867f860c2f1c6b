const DAY_MS = 86_400_000

const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))
const threeDigits = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, '0'))

/** Caches the last day: most messages of a page are from the same day. */
let lastDay = Number.NaN
let lastDayText = ''

/** A faster Date.prototype.toISOString, which took half of the time to serialize a page of messages. */
export function toIso(date: Date): string {
  const ms = date.getTime()
  const day = Math.floor(ms / DAY_MS)
  if (day !== lastDay) {
    lastDayText = date.toISOString().slice(0, -'00:00:00.000Z'.length)
    lastDay = day
  }
  const msOfDay = ms - day * DAY_MS
  const second = Math.floor(msOfDay / 1_000)
  return `${lastDayText}${twoDigits[Math.floor(second / 3_600)]}:${twoDigits[Math.floor(second / 60) % 60]}:${twoDigits[second % 60]}.${threeDigits[msOfDay % 1_000]}Z`
}

/**
 * Copies plain data with its Dates as ISO strings, which makes JSON.stringify faster.
 *
 * @param onDate called with the path of each Date: keys joined by dots. Dots and backslashes in keys are escaped.
 */
export function withIsoDates(value: unknown, onDate?: (path: string) => void, path = ''): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) {
    onDate?.(path)
    return toIso(value)
  }
  const prefix = path === '' ? '' : `${path}.`
  if (Array.isArray(value)) {
    return value.map((item, index) => withIsoDates(item, onDate, onDate && prefix + index))
  }
  const copy: Record<string, unknown> = {}
  for (const key in value) {
    const inner: unknown = value[key as keyof typeof value]
    copy[key] =
      typeof inner === 'object' && inner !== null
        ? withIsoDates(inner, onDate, onDate && prefix + escapeKey(key))
        : inner
  }
  return copy
}

function escapeKey(key: string): string {
  return key.includes('.') || key.includes('\\') ? key.replaceAll('\\', '\\\\').replaceAll('.', '\\.') : key
}
