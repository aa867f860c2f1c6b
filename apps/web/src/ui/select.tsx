import { useId } from 'react'

interface Props<Value extends string> {
  label: string
  hint?: string
  value: Value
  /** Value and words of each. */
  options: readonly (readonly [value: Value, words: string])[]
  onChange: (value: Value) => void
}

/** One of few: the browser's own list, of which every phone has a good one. */
export function Select<Value extends string>({ label, hint, value, options, onChange }: Props<Value>) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={({ target }) => {
          const chosen = options.find(([each]) => each === target.value)
          if (chosen) onChange(chosen[0])
        }}
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
