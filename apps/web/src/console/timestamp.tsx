const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** A date and time to the second, in the local time zone. */
export function Timestamp({ at }: { at: Date }) {
  return <time dateTime={at.toISOString()}>{format.format(at)}</time>
}
