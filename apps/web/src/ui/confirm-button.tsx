import { type ReactNode, useState } from 'react'
import { Dialog, DialogTrigger } from 'react-aria-components/Dialog'
import { Form } from 'react-aria-components/Form'
import { Heading } from 'react-aria-components/Heading'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { Button } from './button.tsx'
import { Field } from './field.tsx'

interface Props {
  /** On the button, and on the one that says yes. */
  label: string
  /** Names what it is done to. */
  question: string
  /** Whom it is done to, for those who do not see beside whom the button stands. */
  of?: string
  /** What comes of it. */
  children?: ReactNode
  /** Has to be typed first, for what has no way back. */
  typed?: string
  /** What takes nothing from anybody is no danger. */
  look?: 'plain' | 'quiet' | 'danger'
  isBusy: boolean
  onConfirm: () => void
}

/** A button that asks before it does what it says. */
export function ConfirmButton({
  label,
  question,
  of,
  children,
  typed,
  look = 'danger',
  isBusy,
  onConfirm,
}: Props) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setIsOpen}>
      <Button look={look} isBusy={isBusy} aria-label={of === undefined ? label : `${label}: ${of}`}>
        {label}
      </Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="modal">
          <Dialog role="alertdialog" className="confirm-dialog">
            <Question
              label={label}
              question={question}
              typed={typed}
              look={look}
              onCancel={() => setIsOpen(false)}
              onConfirm={() => {
                setIsOpen(false)
                onConfirm()
              }}
            >
              {children}
            </Question>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  )
}

interface QuestionProps extends Pick<Props, 'label' | 'question' | 'children' | 'onConfirm'> {
  look: NonNullable<Props['look']>
  typed: string | undefined
  onCancel: () => void
}

function Question({ label, question, children, typed, look, onCancel, onConfirm }: QuestionProps) {
  const [text, setText] = useState('')
  const isSure = typed === undefined || text === typed
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault()
        if (isSure) onConfirm()
      }}
    >
      <Heading slot="title" level={2} className="dialog-title" dir="auto">
        {question}
      </Heading>
      {children && <p>{children}</p>}
      {typed !== undefined && (
        <Field
          label={`Type ${typed} to go on`}
          autoComplete="off"
          autoFocus
          value={text}
          onChange={setText}
        />
      )}
      <div className="button-group">
        <Button onPress={onCancel} autoFocus={typed === undefined}>
          Cancel
        </Button>
        <Button type="submit" look={look} isDisabled={!isSure}>
          {label}
        </Button>
      </div>
    </Form>
  )
}
