import { useId } from 'react'

interface Props<Value extends string> {
  label: string
  /** Values with what they are called. */
  options: Readonly<Record<Value, string>>
  value: Value
  onChange: (value: Value) => void
}

/** One of a few. The browser's own list, which every phone has a good one of. */
export function Choice<Value extends string>({ label, options, value, onChange }: Props<Value>) {
  const id = useId()
  const isOption = (text: string): text is Value => Object.hasOwn(options, text)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={({ target }) => {
          if (isOption(target.value)) onChange(target.value)
        }}
      >
        {Object.entries<string>(options).map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}
