import { Checkbox } from 'react-aria-components/Checkbox'
import { CheckboxGroup } from 'react-aria-components/CheckboxGroup'
import { Label } from 'react-aria-components/Label'

interface Props<Value extends string> {
  label: string
  options: readonly Value[]
  selected: readonly Value[]
  onChange: (selected: Value[]) => void
}

export function CheckboxList<Value extends string>({ label, options, selected, onChange }: Props<Value>) {
  return (
    <CheckboxGroup
      className="checkbox-list"
      value={[...selected]}
      onChange={(values) => onChange(options.filter((option) => values.includes(option)))}
    >
      <Label>{label}</Label>
      {options.map((option) => (
        <Checkbox key={option} value={option} className="check">
          <span className="box" aria-hidden="true" />
          {option}
        </Checkbox>
      ))}
    </CheckboxGroup>
  )
}
