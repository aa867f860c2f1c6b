import type { Ref } from 'react'
import type { ButtonProps } from 'react-aria-components/Button'
import { Button as AriaButton } from 'react-aria-components/Button'

interface Props extends Omit<ButtonProps, 'className' | 'style' | 'isPending'> {
  /** `icon` is square and contains only an icon: it needs an `aria-label`. */
  variant?: 'plain' | 'primary' | 'quiet' | 'danger' | 'icon'
  /** Disables the button while its action is running. */
  isBusy?: boolean
  ref?: Ref<HTMLButtonElement>
}

/** React Aria's button: works with mouse, touch and keyboard. */
export function Button({ variant = 'plain', isBusy = false, isDisabled = false, ...props }: Props) {
  return <AriaButton {...props} isDisabled={isDisabled || isBusy} className={`button ${variant}`} />
}
