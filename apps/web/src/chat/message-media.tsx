import type { LiveMessage } from '@sotto/sdk'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'

/** Used if the message does not include the size of its media. */
const DEFAULT_SIZE = { width: 320, height: 180 }

/**
 * The image or video of a message, in a box of its final size to avoid layout shifts. The sender chooses the host,
 * which could track viewers, so it is loaded only on request.
 */
export function MessageMedia({ message }: { message: LiveMessage }) {
  const [isShown, setIsShown] = useState(false)
  const { image, video } = message
  const media = image ?? video
  if (!media) return null
  const { hostname } = new URL(media.url)
  const { width, height } =
    media.width && media.height ? { width: media.width, height: media.height } : DEFAULT_SIZE
  const alt = image?.alt ?? ''
  // Videos on video sites are web pages, not files, so they are linked.
  const isPage = video && video.source !== undefined && video.source !== 'other'
  return (
    <div className="media" style={{ aspectRatio: `${width} / ${height}` }}>
      {isPage && (
        <a href={video.url} target="_blank" rel="noreferrer">
          Watch on {hostname}
        </a>
      )}
      {!isPage && !isShown && (
        <Button onPress={() => setIsShown(true)}>
          Show {image ? 'image' : 'video'} from {hostname}
          {alt && `: ${alt}`}
        </Button>
      )}
      {!isPage && isShown && image && <img src={image.url} alt={alt} width={width} height={height} />}
      {!isPage && isShown && video && (
        // biome-ignore lint/a11y/useMediaCaption: messages have no captions.
        <video src={video.url} width={width} height={height} controls />
      )}
      {!isShown && video?.durationSeconds && (
        <span className="hint">{formatDuration(video.durationSeconds)}</span>
      )}
    </div>
  )
}

/** A duration as players show it: 10:35, 1:02:03. */
function formatDuration(totalSeconds: number): string {
  const parts = [Math.floor(totalSeconds / 3_600), Math.floor(totalSeconds / 60) % 60, totalSeconds % 60]
  const [first = 0, ...rest] = parts[0] === 0 ? parts.slice(1) : parts
  return [first, ...rest.map((part) => `${part}`.padStart(2, '0'))].join(':')
}
