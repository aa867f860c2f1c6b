interface Props {
  label: string
  /** The current value, formatted. */
  now: string
  /** The past values, oldest first; null if unknown. */
  values: readonly (number | null)[]
}

const WIDTH = 100
const HEIGHT = 24

/** A current value with a sparkline of its past values. */
export function Trend({ label, now, values }: Props) {
  const max = Math.max(1e-9, ...values.map((value) => value ?? 0))
  const step = WIDTH / Math.max(1, values.length - 1)
  const points = values.flatMap((value, index) =>
    value === null ? [] : [`${(index * step).toFixed(1)},${(HEIGHT - (value / max) * HEIGHT).toFixed(1)}`],
  )
  return (
    <div className="trend">
      <dt>{label}</dt>
      <dd>{now}</dd>
      <dd>
        <svg aria-hidden="true" viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`} preserveAspectRatio="none">
          <polyline points={points.join(' ')} />
        </svg>
      </dd>
    </div>
  )
}
