const DAY_MS = 86_400_000

const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))
const threeDigits = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, '0'))

/** The day that was written last: the messages of a page are mostly of one. */
let lastDay = Number.NaN
let lastDayText = ''

/** As Date.prototype.toISOString, at a fraction of its cost: half of writing a page of messages was that. */
function toIso(date: Date): string {
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
 * A copy of plain data with its Dates as text, which JSON.stringify then passes quickly.
 *
 * @param onDate told of each, with the path to it; keys are joined by dots, which a dot in a key escapes.
 */
export function withWrittenDates(value: unknown, onDate?: (path: string) => void, path = ''): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) {
    onDate?.(path)
    return toIso(value)
  }
  const prefix = path === '' ? '' : `${path}.`
  if (Array.isArray(value)) {
    return value.map((item, index) => withWrittenDates(item, onDate, onDate && prefix + index))
  }
  const copy: Record<string, unknown> = {}
  for (const key in value) {
    const inner: unknown = value[key as keyof typeof value]
    copy[key] =
      typeof inner === 'object' && inner !== null
        ? withWrittenDates(inner, onDate, onDate && prefix + escapeKey(key))
        : inner
  }
  return copy
}

function escapeKey(key: string): string {
  return key.includes('.') || key.includes('\\') ? key.replaceAll('\\', '\\\\').replaceAll('.', '\\.') : key
}
