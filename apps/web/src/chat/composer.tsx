import type { Send } from '@sotto/react'
import { useTyping } from '@sotto/react'
import type { ConversationTarget } from '@sotto/sdk'
import type { KeyboardEvent } from 'react'
import { lazy, Suspense, useState } from 'react'
import { Label } from 'react-aria-components/Label'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icons.tsx'

const AttachmentForm = lazy(async () => ({ default: (await import('./attachment-form.tsx')).AttachmentForm }))

interface Props {
  target: ConversationTarget
  send: Send['send']
  label: string
}

/** The message input. Enter sends, Shift+Enter adds a line. */
export function Composer({ target, send, label }: Props) {
  const [text, setText] = useState('')
  const [isAttaching, setIsAttaching] = useState(false)
  const { setTyping } = useTyping(target)

  function submit(): void {
    if (text.trim() === '') return
    send(text)
    setText('')
  }
  function onKeyDown(event: KeyboardEvent): void {
    // In an input method editor, Enter confirms the composed character.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    submit()
  }
  if (isAttaching) {
    return (
      <Suspense>
        <AttachmentForm send={send} onDone={() => setIsAttaching(false)} />
      </Suspense>
    )
  }
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Button variant="icon" aria-label="Attach an image or video" onPress={() => setIsAttaching(true)}>
        <Icon name="clip" />
      </Button>
      <TextField
        className="message-input"
        value={text}
        onChange={(value) => {
          setText(value)
          setTyping(value !== '')
        }}
      >
        <Label className="visually-hidden">{label}</Label>
        <TextArea rows={1} dir="auto" placeholder="Message" onKeyDown={onKeyDown} autoFocus />
      </TextField>
      <Button type="submit" variant="primary" aria-label="Send" isDisabled={text.trim() === ''}>
        <Icon name="send" />
      </Button>
    </form>
  )
}
