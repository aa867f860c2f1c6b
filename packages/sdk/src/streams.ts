import type { EventOptions, EventSource, StreamBehavior, WatchingStream } from './events.ts'
import { openEvents } from './events.ts'
import { isPage } from './page.ts'

/** Opens a stream of one user's events. In browsers, the streams of a user share one connection. */
export async function openStream(
  source: EventSource,
  options: EventOptions,
  behavior?: StreamBehavior,
): Promise<WatchingStream> {
  if (!(options.share ?? source.settings.share ?? isPage())) return openEvents(source, options, behavior)
  // A page that was loaded before a deployment may not be able to load more code. It works without sharing, too.
  const shared = await import('./shared-stream/shared-events.ts').catch(() => undefined)
  return (shared?.openSharedEvents ?? openEvents)(source, options, behavior)
}
