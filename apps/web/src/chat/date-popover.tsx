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
  /** @param date the start of the day in the local time zone */
  onChoose: (date: Date) => void
}

const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()

/** A calendar in a popover next to its trigger. */
export function DatePopover({ trigger, onClose, onChoose }: Props) {
  return (
    <Popover triggerRef={trigger} isOpen onOpenChange={onClose} placement="bottom end" className="popover">
      <Dialog aria-label="Jump to date">
        <Calendar
          aria-label="Date"
          className="calendar"
          autoFocus
          onChange={(day) => onChoose(day.toDate(timeZone))}
        >
          <header>
            <Button slot="previous" variant="quiet">
              ‹
            </Button>
            <CalendarMonthPicker format="long">{(months) => <Picker {...months} />}</CalendarMonthPicker>
            <CalendarYearPicker>{(years) => <Picker {...years} />}</CalendarYearPicker>
            <Button slot="next" variant="quiet">
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

/** A native select of months or years. */
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
