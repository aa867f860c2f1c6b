import type { Send } from '@sotto/react'
import type { MessageContent } from '@sotto/sdk'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { ToggleButton } from 'react-aria-components/ToggleButton'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { readMediaSize } from './media-size.ts'

interface Props {
  send: Send['send']
  onDone: () => void
}

const nothing = { url: '', caption: '', alt: '', width: '', height: '', durationSeconds: '' }
type Answers = typeof nothing

/** An image or a video by its link, with what there is to say of it. Its host is asked only when somebody wants it. */
export function AttachmentForm({ send, onDone }: Props) {
  const [kind, setKind] = useState<'image' | 'video'>('image')
  const [answers, setAnswers] = useState(nothing)
  const set = (name: keyof Answers) => (value: string) =>
    setAnswers((before) => ({ ...before, [name]: value }))
  const host = hostOf(answers.url)
  const reading = useMutation({
    mutationFn: () => readMediaSize(kind, answers.url),
    onSuccess({ width, height, durationSeconds }) {
      const duration = durationSeconds === undefined ? {} : { durationSeconds: `${durationSeconds}` }
      setAnswers((before) => ({ ...before, width: `${width}`, height: `${height}`, ...duration }))
    },
  })
  const number = (name: 'width' | 'height' | 'durationSeconds', label: string) => (
    <Field
      label={label}
      inputMode="numeric"
      pattern="[1-9][0-9]{0,8}"
      value={answers[name]}
      onChange={set(name)}
    />
  )
  return (
    <Form
      fields={[]}
      error={undefined}
      className="attachment"
      aria-label="Attach an image or a video"
      onSubmit={() => {
        send(contentOf(kind, answers))
        onDone()
      }}
    >
      <fieldset className="button-row" aria-label="What it is">
        <ToggleButton className="button" isSelected={kind === 'image'} onChange={() => setKind('image')}>
          Image
        </ToggleButton>
        <ToggleButton className="button" isSelected={kind === 'video'} onChange={() => setKind('video')}>
          Video
        </ToggleButton>
      </fieldset>
      <Field
        label="Link"
        type="url"
        placeholder="https://"
        pattern="https?://.+"
        isRequired
        autoFocus
        value={answers.url}
        onChange={set('url')}
      />
      <Field label="Caption" value={answers.caption} onChange={set('caption')} />
      {kind === 'image' && (
        <Field
          label="Description"
          hint="What is to be seen, for those who do not."
          value={answers.alt}
          onChange={set('alt')}
        />
      )}
      <div className="media-fields">
        {number('width', 'Width')}
        {number('height', 'Height')}
        {kind === 'video' && number('durationSeconds', 'Seconds')}
      </div>
      <p role="status" className={reading.error ? 'error' : 'hint'}>
        {reading.error
          ? `It could not be loaded from ${host}. You can send it all the same.`
          : 'With its size the message keeps its place while it loads. All of this may be left out.'}
      </p>
      <div className="button-row">
        <Button type="submit" look="primary">
          Send
        </Button>
        {host && (
          <Button onPress={() => reading.mutate()} isBusy={reading.isPending}>
            Load it from {host} to fill in its size
          </Button>
        )}
        <Button look="quiet" onPress={onDone}>
          Cancel
        </Button>
      </div>
    </Form>
  )
}

/** Of a link that the page may load: the policy lets it ask over https alone. */
function hostOf(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed?.protocol === 'https:' ? parsed.hostname : undefined
}

function contentOf(kind: 'image' | 'video', answers: Answers): MessageContent {
  const { url, caption, alt, width, height, durationSeconds } = answers
  const media = { url, ...(width && { width: Number(width) }), ...(height && { height: Number(height) }) }
  return {
    ...(caption.trim() && { text: caption }),
    ...(kind === 'image'
      ? { image: { ...media, ...(alt.trim() && { alt }) } }
      : { video: { ...media, ...(durationSeconds && { durationSeconds: Number(durationSeconds) }) } }),
  }
}
