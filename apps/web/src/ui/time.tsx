const DAY_MS = 86_400_000

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })

/** The time of day if less than a day ago, otherwise the date. The tooltip has both. */
export function Time({ at, only }: { at: Date; only?: 'clock' }) {
  const isRecent = only === 'clock' || Date.now() - at.getTime() < DAY_MS
  return (
    <time dateTime={at.toISOString()} title={full.format(at)}>
      {(isRecent ? clock : day).format(at)}
    </time>
  )
}
