import { FieldError } from 'react-aria-components/FieldError'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { Text } from 'react-aria-components/Text'
import type { TextFieldProps } from 'react-aria-components/TextField'
import { TextField } from 'react-aria-components/TextField'

interface Props extends Omit<TextFieldProps, 'className' | 'style' | 'children'> {
  label: string
  hint?: string
  placeholder?: string
}

/** A text field with its label, hint and validation error. */
export function Field({ label, hint, placeholder, ...props }: Props) {
  return (
    <TextField {...props} className="field">
      <Label>{label}</Label>
      <Input dir="auto" autoCapitalize="none" {...(placeholder !== undefined && { placeholder })} />
      {hint && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="error" />
    </TextField>
  )
}
