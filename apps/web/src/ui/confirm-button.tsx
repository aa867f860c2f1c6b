import { type ReactNode, useState } from 'react'
import { Dialog, DialogTrigger } from 'react-aria-components/Dialog'
import { Form } from 'react-aria-components/Form'
import { Heading } from 'react-aria-components/Heading'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { Button } from './button.tsx'
import { Field } from './field.tsx'

interface Props {
  /** The label of the button and of the dialog's confirm button. */
  label: string
  /** The dialog's title, which names the object of the action. */
  question: string
  /** The object of the action, for screen readers: in a list, `label` alone is ambiguous. */
  of?: string
  /** The consequences of the action. */
  children?: ReactNode
  /** Text to type before confirming, for actions that cannot be undone. */
  confirmationText?: string
  /** Use `plain` or `quiet` for actions that are not destructive. */
  variant?: 'plain' | 'quiet' | 'danger'
  isBusy: boolean
  onConfirm: () => void
}

/** A button that asks for confirmation first. */
export function ConfirmButton({
  label,
  question,
  of,
  children,
  confirmationText,
  variant = 'danger',
  isBusy,
  onConfirm,
}: Props) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setIsOpen}>
      <Button variant={variant} isBusy={isBusy} aria-label={of === undefined ? label : `${label}: ${of}`}>
        {label}
      </Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="modal">
          <Dialog role="alertdialog" className="confirm-dialog">
            <ConfirmDialog
              label={label}
              question={question}
              confirmationText={confirmationText}
              variant={variant}
              onCancel={() => setIsOpen(false)}
              onConfirm={() => {
                setIsOpen(false)
                onConfirm()
              }}
            >
              {children}
            </ConfirmDialog>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  )
}

interface ConfirmDialogProps extends Pick<Props, 'label' | 'question' | 'children' | 'onConfirm'> {
  variant: NonNullable<Props['variant']>
  confirmationText: string | undefined
  onCancel: () => void
}

function ConfirmDialog({
  label,
  question,
  children,
  confirmationText,
  variant,
  onCancel,
  onConfirm,
}: ConfirmDialogProps) {
  const [text, setText] = useState('')
  const canConfirm = confirmationText === undefined || text === confirmationText
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault()
        if (canConfirm) onConfirm()
      }}
    >
      <Heading slot="title" level={2} className="dialog-title" dir="auto">
        {question}
      </Heading>
      {children && <p>{children}</p>}
      {confirmationText !== undefined && (
        <Field
          label={`Type ${confirmationText} to confirm`}
          autoComplete="off"
          autoFocus
          value={text}
          onChange={setText}
        />
      )}
      <div className="button-group">
        <Button onPress={onCancel} autoFocus={confirmationText === undefined}>
          Cancel
        </Button>
        <Button type="submit" variant={variant} isDisabled={!canConfirm}>
          {label}
        </Button>
      </div>
    </Form>
  )
}
