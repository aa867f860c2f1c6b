import type { ButtonProps } from 'react-aria-components/Button'
import { Button as AriaButton } from 'react-aria-components/Button'

interface Props extends Omit<ButtonProps, 'className' | 'style'> {
  look?: 'plain' | 'primary' | 'quiet' | 'danger'
}

/** A button that pointers, fingers and keys press alike. */
export function Button({ look = 'plain', ...props }: Props) {
  return <AriaButton {...props} className={`button ${look}`} />
}
