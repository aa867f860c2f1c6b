import { useId } from 'react'

interface Props {
  title: string
  days: readonly { day: string; value: number }[]
}

/** In SVG units. The chart is stretched to the available width. */
const WIDTH = 300
const HEIGHT = 80
const GAP = 1
/** Keeps small values visible. */
const MIN_HEIGHT = 1.5

const number = new Intl.NumberFormat()
const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** A bar per day, with the same numbers as a table for screen readers. */
export function DayChart({ title, days }: Props) {
  const id = useId()
  const max = Math.max(1, ...days.map(({ value }) => value))
  const step = WIDTH / Math.max(1, days.length)
  const formatDay = (day: string) => dayFormat.format(new Date(`${day}T00:00:00Z`))
  const [first, last] = [days.at(0), days.at(-1)]
  return (
    <figure className="chart">
      <figcaption id={id}>
        {title}
        {last && <strong>{number.format(last.value)} today</strong>}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {days.map(({ day, value }, index) => {
          const height = value === 0 ? 0 : Math.max(MIN_HEIGHT, (value / max) * HEIGHT)
          return (
            <rect
              key={day}
              x={index * step}
              y={HEIGHT - height}
              width={Math.max(GAP, step - GAP)}
              height={height}
            >
              <title>{`${formatDay(day)}: ${number.format(value)}`}</title>
            </rect>
          )
        })}
      </svg>
      <p className="axis" aria-hidden="true">
        <span>{first && formatDay(first.day)}</span>
        <span>max: {number.format(Math.max(0, ...days.map(({ value }) => value)))}</span>
        <span>{last && formatDay(last.day)}</span>
      </p>
      <table className="visually-hidden" aria-labelledby={id}>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">{title}</th>
          </tr>
        </thead>
        <tbody>
          {days.map(({ day, value }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td>{number.format(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}
