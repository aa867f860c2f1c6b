interface MediaSize {
  width: number
  height: number
  durationSeconds?: number
}

/**
 * What a browser can tell of an image or a video by loading it, which tells its host that somebody does.
 *
 * @throws {Error} where it is not there, or not what it is said to be.
 */
export function readMediaSize(kind: 'image' | 'video', url: string): Promise<MediaSize> {
  return kind === 'image' ? readImage(url) : readVideo(url)
}

async function readImage(url: string): Promise<MediaSize> {
  const image = new Image()
  image.referrerPolicy = 'no-referrer'
  image.src = url
  await image.decode()
  return { width: image.naturalWidth, height: image.naturalHeight }
}

function readVideo(url: string): Promise<MediaSize> {
  const video = document.createElement('video')
  video.preload = 'metadata'
  return new Promise((resolve, reject) => {
    video.onloadedmetadata = () => {
      const { videoWidth: width, videoHeight: height, duration } = video
      // A stream goes on for ever.
      const durationSeconds = Math.round(duration)
      const isKnown = Number.isFinite(durationSeconds) && durationSeconds > 0
      resolve({ width, height, ...(isKnown && { durationSeconds }) })
      // Nothing more than that is wanted of it.
      video.removeAttribute('src')
      video.load()
    }
    video.onerror = () => reject(new Error('the video cannot be loaded'))
    video.src = url
  })
}
