import { Field } from '../ui/field.tsx'
import { Select } from '../ui/select.tsx'
import { describeType } from './fields.ts'
import type { Parameter } from './openapi.ts'

interface Props {
  parameter: Parameter
  /** What the server has said of it. It stays until the next answer: nothing moves while one writes. */
  issues: readonly string[]
  value: string
  onChange: (value: string) => void
}

/** A parameter of the path or the query. */
export function ParameterField({ parameter, issues, value, onChange }: Props) {
  const { name, in: place, required, description, schema } = parameter
  const label = `${name} (${place}${required ? ', required' : ''})`
  const hint = [describeType(schema), description].filter(Boolean).join('. ')
  const choices = schema.type === 'boolean' ? [true, false] : schema.enum
  if (choices) {
    const options = choices.map((choice) => [String(choice), String(choice)] as const)
    return (
      <Select
        label={label}
        {...(description && { hint: description })}
        value={value}
        options={[['', 'left out'], ...options]}
        onChange={onChange}
      />
    )
  }
  return (
    <Field
      label={label}
      hint={hint}
      autoComplete="off"
      validate={() => [...issues]}
      value={value}
      onChange={onChange}
    />
  )
}
