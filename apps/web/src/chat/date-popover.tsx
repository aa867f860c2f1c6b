import type { RefObject } from 'react'
import type { CalendarMonthPickerAria, CalendarYearPickerAria } from 'react-aria-components/Calendar'
import {
  Calendar,
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  CalendarMonthPicker,
  CalendarYearPicker,
} from 'react-aria-components/Calendar'
import { Dialog } from 'react-aria-components/Dialog'
import { Popover } from 'react-aria-components/Popover'
import { Button } from '../ui/button.tsx'

interface Props {
  trigger: RefObject<HTMLButtonElement | null>
  onClose: () => void
  /** @param date when that day begins, here */
  onChoose: (date: Date) => void
}

const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()

/** A calendar beside what has opened it. */
export function DatePopover({ trigger, onClose, onChoose }: Props) {
  return (
    <Popover triggerRef={trigger} isOpen onOpenChange={onClose} placement="bottom end" className="popover">
      <Dialog aria-label="Go to a date">
        <Calendar
          aria-label="Date"
          className="calendar"
          autoFocus
          onChange={(day) => onChoose(day.toDate(timeZone))}
        >
          <header>
            <Button slot="previous" look="quiet">
              ‹
            </Button>
            <CalendarMonthPicker format="long">{(months) => <Picker {...months} />}</CalendarMonthPicker>
            <CalendarYearPicker>{(years) => <Picker {...years} />}</CalendarYearPicker>
            <Button slot="next" look="quiet">
              ›
            </Button>
          </header>
          <CalendarGrid>
            <CalendarGridHeader>{(day) => <CalendarHeaderCell>{day}</CalendarHeaderCell>}</CalendarGridHeader>
            <CalendarGridBody>{(date) => <CalendarCell date={date} className="date" />}</CalendarGridBody>
          </CalendarGrid>
        </Calendar>
      </Dialog>
    </Popover>
  )
}

/** The system's own list of months or years. */
function Picker({ value, onChange, items, ...props }: CalendarMonthPickerAria | CalendarYearPickerAria) {
  return (
    <select {...props} value={String(value)} onChange={({ target }) => onChange(Number(target.value))}>
      {items.map(({ id, formatted }) => (
        <option key={id} value={id}>
          {formatted}
        </option>
      ))}
    </select>
  )
}
