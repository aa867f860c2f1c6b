const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const DAY = /^\d{4}-\d\d-\d\d$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const TOKEN = /^(?:sk|st|in|pr)_[\w-]{40,}$/
const WEBHOOK_SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/
const TOTP_SECRET = /^[A-Z2-7]{32}$/
const TOTP_URI =
  /^otpauth:\/\/totp\/Sotto:alice\?issuer=Sotto&secret=[A-Z2-7]{32}&algorithm=SHA1&digits=6&period=30$/
const RECOVERY_CODE = /^[0-9a-z]{4}(?:-[0-9a-z]{4}){3}$/
/** A position in the event log: base64url of a list that starts with "events". */
const EVENT_CURSOR = /^WyJldmVudHMi[\w-]+$/

/** Times of things that may have happened by now. The docs show null. */
const MAY_HAVE_HAPPENED = ['deliveredAt', 'editedAt']

/** Counts, which differ from those in the docs. */
const COUNTED = [
  'users',
  'conversations',
  'messages',
  'messagesSent',
  'activeUsers',
  'calls',
  'deliveryMarksWaiting',
]

/**
 * Replaces the ids, times, secrets and event cursors of a response with the documented ones, so that the two can be
 * compared.
 *
 * @param ids the documented id for each real one. Shared by all responses of a file, and extended.
 */
export function asDocumented(actual: unknown, documented: unknown, ids: Map<string, string>): unknown {
  if (Array.isArray(actual) && Array.isArray(documented)) {
    return actual.map((item, index) => asDocumented(item, documented[index], ids))
  }
  if (isRecord(actual) && isRecord(documented)) {
    const entries = Object.entries(actual).map(([key, value]) => {
      const happened = MAY_HAVE_HAPPENED.includes(key) && documented[key] === null && isTime(value)
      if (COUNTED.includes(key) && typeof value === 'number') return [key, documented[key]]
      return [key, happened ? null : asDocumented(value, documented[key], ids)]
    })
    return Object.fromEntries(entries)
  }
  if (typeof actual !== 'string' || typeof documented !== 'string') return actual
  if (UUID.test(actual) && UUID.test(documented)) {
    if (!ids.has(actual) && ![...ids.values()].includes(documented)) ids.set(actual, documented)
    return ids.get(actual) ?? actual
  }
  const alike = [DAY, TIME, TOKEN, WEBHOOK_SECRET, TOTP_SECRET, TOTP_URI, RECOVERY_CODE, EVENT_CURSOR].some(
    (pattern) => pattern.test(actual) && pattern.test(documented),
  )
  return alike ? documented : actual
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && TIME.test(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
