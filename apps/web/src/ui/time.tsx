const DAY_MS = 86_400_000

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })

/** A time of today as the time, an older one as the day; all of it to whoever points at it. */
export function Time({ at, only }: { at: Date; only?: 'clock' }) {
  const isRecent = only === 'clock' || Date.now() - at.getTime() < DAY_MS
  return (
    <time dateTime={at.toISOString()} title={whole.format(at)}>
      {(isRecent ? clock : day).format(at)}
    </time>
  )
}
