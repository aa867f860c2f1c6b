import { lazy, Suspense, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import type { ScrollTarget } from './use-scroll-target.ts'

const DatePopover = lazy(async () => ({ default: (await import('./date-popover.tsx')).DatePopover }))

/** Jumps to the first message of a day. */
export function DateJump({ scrollTo }: Pick<ScrollTarget, 'scrollTo'>) {
  const trigger = useRef<HTMLButtonElement>(null)
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button ref={trigger} aria-haspopup="dialog" aria-expanded={isOpen} onPress={() => setIsOpen(true)}>
        Jump to date
      </Button>
      {isOpen && (
        <Suspense>
          <DatePopover
            trigger={trigger}
            onClose={() => setIsOpen(false)}
            onChoose={(date) => {
              setIsOpen(false)
              scrollTo({ date })
            }}
          />
        </Suspense>
      )}
    </>
  )
}
