import { useId } from 'react'

interface Props {
  label: string
  hint?: string
  value: string
  /** Value and words of each. */
  options: readonly (readonly [value: string, words: string])[]
  onChange: (value: string) => void
}

/** One of few. */
export function Choice({ label, hint, value, options, onChange }: Props) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
      {hint && (
        <span id={`${id}-hint`} className="hint">
          {hint}
        </span>
      )}
    </div>
  )
}
