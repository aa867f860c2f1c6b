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

const EMPTY = { url: '', caption: '', alt: '', width: '', height: '', durationSeconds: '' }
type Values = typeof EMPTY

/** Attaches an image or video by URL. Nothing is loaded from its host unless the user asks for it. */
export function AttachmentForm({ send, onDone }: Props) {
  const [kind, setKind] = useState<'image' | 'video'>('image')
  const [values, setValues] = useState(EMPTY)
  const set = (name: keyof Values) => (value: string) =>
    setValues((current) => ({ ...current, [name]: value }))
  const host = hostOf(values.url)
  const loadSize = useMutation({
    mutationFn: () => readMediaSize(kind, values.url),
    onSuccess({ width, height, durationSeconds }) {
      const duration = durationSeconds === undefined ? {} : { durationSeconds: `${durationSeconds}` }
      setValues((current) => ({ ...current, width: `${width}`, height: `${height}`, ...duration }))
    },
  })
  const number = (name: 'width' | 'height' | 'durationSeconds', label: string) => (
    <Field
      label={label}
      inputMode="numeric"
      pattern="[1-9][0-9]{0,8}"
      value={values[name]}
      onChange={set(name)}
    />
  )
  return (
    <Form
      fields={[]}
      error={undefined}
      className="attachment"
      aria-label="Attach an image or video"
      onSubmit={() => {
        send(contentOf(kind, values))
        onDone()
      }}
    >
      <fieldset className="button-row" aria-label="Attachment type">
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
        value={values.url}
        onChange={set('url')}
      />
      <Field label="Caption" value={values.caption} onChange={set('caption')} />
      {kind === 'image' && (
        <Field
          label="Description"
          hint="For people who can't see the image."
          value={values.alt}
          onChange={set('alt')}
        />
      )}
      <div className="media-fields">
        {number('width', 'Width')}
        {number('height', 'Height')}
        {kind === 'video' && number('durationSeconds', 'Duration (seconds)')}
      </div>
      <p role="status" className={loadSize.error ? 'error' : 'hint'}>
        {loadSize.error
          ? `Couldn't load the ${kind} from ${host}. You can send it anyway.`
          : "Optional. With the size, messages don't move while the attachment loads."}
      </p>
      <div className="button-row">
        <Button type="submit" variant="primary">
          Send
        </Button>
        {host && (
          <Button onPress={() => loadSize.mutate()} isBusy={loadSize.isPending}>
            Load from {host} to fill in the size
          </Button>
        )}
        <Button variant="quiet" onPress={onDone}>
          Cancel
        </Button>
      </div>
    </Form>
  )
}

/** The host of an https URL. The Content-Security-Policy does not allow loading media over http. */
function hostOf(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed?.protocol === 'https:' ? parsed.hostname : undefined
}

function contentOf(kind: 'image' | 'video', values: Values): MessageContent {
  const { url, caption, alt, width, height, durationSeconds } = values
  const media = { url, ...(width && { width: Number(width) }), ...(height && { height: Number(height) }) }
  return {
    ...(caption.trim() && { text: caption }),
    ...(kind === 'image'
      ? { image: { ...media, ...(alt.trim() && { alt }) } }
      : { video: { ...media, ...(durationSeconds && { durationSeconds: Number(durationSeconds) }) } }),
  }
}
