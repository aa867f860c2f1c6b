interface Props {
  label: string
  /** As it is shown at the moment. */
  now: string
  /** What it was, oldest first; null where nothing was known. */
  values: readonly (number | null)[]
}

const WIDTH = 100
const HEIGHT = 24

/** A number as it is, above how it was since the page was opened. */
export function Trend({ label, now, values }: Props) {
  const most = Math.max(1e-9, ...values.map((value) => value ?? 0))
  const step = WIDTH / Math.max(1, values.length - 1)
  const points = values.flatMap((value, index) =>
    value === null ? [] : [`${(index * step).toFixed(1)},${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`],
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
