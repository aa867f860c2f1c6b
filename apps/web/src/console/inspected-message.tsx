import type { Message } from '@sotto/sdk'
import { Link } from 'wouter'
import { Timestamp } from './timestamp.tsx'

/** A message as a record. Its media is not loaded. */
export function InspectedMessage({ message }: { message: Message }) {
  const { seq, sender, text, image, video, createdAt, editedAt, deletedAt, reactions } = message
  const media = image ?? video
  return (
    <>
      <span className="hint">
        {seq} · <Link href={`/console/users/${sender}`}>@{sender}</Link> · <Timestamp at={createdAt} />
        {editedAt && ' · edited'}
      </span>
      {deletedAt && (
        <em>
          Deleted <Timestamp at={deletedAt} />
        </em>
      )}
      {media && (
        <span>
          {image ? 'Image' : 'Video'}: <code>{media.url}</code>
          {image?.alt && ` (${image.alt})`}
        </span>
      )}
      {text !== null && (
        <p className="text" dir="auto">
          {text}
        </p>
      )}
      {reactions.length > 0 && (
        <span className="hint">{reactions.map(({ emoji, count }) => `${emoji} ${count}`).join('  ')}</span>
      )}
    </>
  )
}
