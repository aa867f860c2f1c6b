import { Field } from '../ui/field.tsx'
import { Select } from '../ui/select.tsx'
import { describeType } from './fields.ts'
import type { Parameter } from './openapi.ts'

interface Props {
  parameter: Parameter
  /** The server's validation errors, shown until the next response so that the layout does not shift while typing. */
  issues: readonly string[]
  value: string
  onChange: (value: string) => void
}

/** A path or query parameter. */
export function ParameterField({ parameter, issues, value, onChange }: Props) {
  const { name, in: location, required, description, schema } = parameter
  const label = `${name} (${location}${required ? ', required' : ''})`
  const hint = [describeType(schema), description].filter(Boolean).join('. ')
  const choices = schema.type === 'boolean' ? [true, false] : schema.enum
  if (choices) {
    const options = choices.map((choice) => [String(choice), String(choice)] as const)
    return (
      <Select
        label={label}
        {...(description && { hint: description })}
        value={value}
        options={[['', 'not set'], ...options]}
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
