import type { Ref } from 'react'
import type { ButtonProps } from 'react-aria-components/Button'
import { Button as AriaButton } from 'react-aria-components/Button'

interface Props extends Omit<ButtonProps, 'className' | 'style' | 'isPending'> {
  /** `icon` is a square for a picture, whose name `aria-label` gives. */
  look?: 'plain' | 'primary' | 'quiet' | 'danger' | 'icon'
  /** It is at work, and cannot be pressed again before it is done. */
  isBusy?: boolean
  ref?: Ref<HTMLButtonElement>
}

/** A button that pointers, fingers and keys press alike. */
export function Button({ look = 'plain', isBusy = false, isDisabled = false, ...props }: Props) {
  return <AriaButton {...props} isDisabled={isDisabled || isBusy} className={`button ${look}`} />
}
