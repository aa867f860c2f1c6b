import type { LiveMessage } from '@sotto/sdk'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'

/** What is shown of a picture whose size nobody has told. */
const UNKNOWN = { width: 320, height: 180 }

/**
 * The image or the video of a message, in the place that it will need: nothing moves when it comes. It lies on a host
 * of the sender's choice, which hears of the reader only once they ask for it.
 */
export function MessageMedia({ message }: { message: LiveMessage }) {
  const [isWanted, setIsWanted] = useState(false)
  const { image, video } = message
  const media = image ?? video
  if (!media) return null
  const { hostname } = new URL(media.url)
  const { width, height } =
    media.width && media.height ? { width: media.width, height: media.height } : UNKNOWN
  const alt = image?.alt ?? ''
  // Players of video sites are pages, which open as such.
  const isPage = video && video.source !== undefined && video.source !== 'other'
  return (
    <div className="media" style={{ aspectRatio: `${width} / ${height}` }}>
      {isPage && (
        <a href={video.url} target="_blank" rel="noreferrer">
          Watch it at {hostname}
        </a>
      )}
      {!isPage && !isWanted && (
        <Button onPress={() => setIsWanted(true)}>
          Show the {image ? 'image' : 'video'} from {hostname}
          {alt && `: ${alt}`}
        </Button>
      )}
      {!isPage && isWanted && image && <img src={image.url} alt={alt} width={width} height={height} />}
      {!isPage && isWanted && video && (
        // biome-ignore lint/a11y/useMediaCaption: a message has none.
        <video src={video.url} width={width} height={height} controls />
      )}
      {!isWanted && video?.durationSeconds && <span className="hint">{clockOf(video.durationSeconds)}</span>}
    </div>
  )
}

/** A length as players show it: 10:35, 1:02:03. */
function clockOf(totalSeconds: number): string {
  const parts = [Math.floor(totalSeconds / 3_600), Math.floor(totalSeconds / 60) % 60, totalSeconds % 60]
  const [first = 0, ...rest] = parts[0] === 0 ? parts.slice(1) : parts
  return [first, ...rest.map((part) => `${part}`.padStart(2, '0'))].join(':')
}
