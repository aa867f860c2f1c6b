import type { VideoSource } from '@sotto/contract'

const domains: readonly (readonly [domain: string, source: VideoSource])[] = [
  ['youtube.com', 'youtube'],
  ['youtu.be', 'youtube'],
  ['youtube-nocookie.com', 'youtube'],
  ['vimeo.com', 'vimeo'],
  ['vevo.com', 'vevo'],
]

/** The source of a video, from the domain of its URL. */
export function sourceOf(url: string): VideoSource {
  const host = new URL(url).hostname.replace(/\.$/, '')
  const known = domains.find(([domain]) => host === domain || host.endsWith(`.${domain}`))
  return known ? known[1] : 'other'
}
