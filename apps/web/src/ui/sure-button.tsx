import { useState } from 'react'
import { Button } from './button.tsx'

interface Props {
  label: string
  /** Whom it is done to, for those who do not see beside whom it stands. */
  of?: string
  look?: 'quiet' | 'danger'
  isBusy: boolean
  onPress: () => void
}

/** For what who does it cannot take back: the first press asks, the second one does it. */
export function SureButton({ label, of, look = 'quiet', isBusy, onPress }: Props) {
  const [asks, setAsks] = useState(false)
  const shown = asks ? `Really ${label.charAt(0).toLowerCase()}${label.slice(1)}?` : label
  return (
    <Button
      look={asks ? 'danger' : look}
      aria-label={of === undefined ? shown : `${shown}: ${of}`}
      isBusy={isBusy}
      onBlur={() => setAsks(false)}
      onPress={() => {
        if (asks) onPress()
        setAsks(!asks)
      }}
    >
      {shown}
    </Button>
  )
}
