import type { ReactNode } from 'react'
import type { ButtonProps } from 'react-aria-components/Button'
import { Button as AriaButton } from 'react-aria-components/Button'
import { ProgressBar } from 'react-aria-components/ProgressBar'

interface Props extends Omit<ButtonProps, 'className' | 'style' | 'children'> {
  children: ReactNode
  look?: 'plain' | 'primary' | 'quiet' | 'danger'
}

/** A button that pointers, fingers and keys press alike. */
export function Button({ look = 'plain', children, ...props }: Props) {
  return (
    <AriaButton {...props} className={`button ${look}`}>
      {children}
      {/* What screen readers are told while it is at work. */}
      {props.isPending && <ProgressBar aria-label="Working" isIndeterminate className="for-readers" />}
    </AriaButton>
  )
}
