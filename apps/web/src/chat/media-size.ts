interface MediaSize {
  width: number
  height: number
  durationSeconds?: number
}

/**
 * Loads an image, or the metadata of a video, to find its size.
 *
 * @throws {Error} if it cannot be loaded or decoded
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
      // The duration of a live stream is Infinity.
      const durationSeconds = Math.round(duration)
      const isKnown = Number.isFinite(durationSeconds) && durationSeconds > 0
      resolve({ width, height, ...(isKnown && { durationSeconds }) })
      // Stops the download.
      video.removeAttribute('src')
      video.load()
    }
    video.onerror = () => reject(new Error('cannot load the video'))
    video.src = url
  })
}
