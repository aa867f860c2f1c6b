import { SottoError } from '@sotto/contract'
import { throwIfAborted } from './runtime-gaps.ts'
import { jitter, sleepUntilOnline } from './waiting.ts'

const BACKOFF = { firstMs: 500, longestMs: 30_000 }

/** A part of the client that not every program needs. */
export interface LazyPart<Part> {
  /** Undefined until it is loaded. */
  readonly loaded: Part | undefined
  load: () => Promise<Part>
}

export function lazyPart<Part>(load: () => Promise<Part>): LazyPart<Part> {
  let loaded: Part | undefined
  let loading: Promise<Part> | undefined
  async function loadOnce(): Promise<Part> {
    try {
      loaded = await load()
      return loaded
    } catch (error) {
      loading = undefined
      throw error
    }
  }
  return {
    get loaded() {
      return loaded
    },
    load() {
      loading ??= loadOnce()
      return loading
    },
  }
}

/**
 * Loads a part. Without a network, or while a new version is deployed, its file may be missing for a while, so this
 * retries until it arrives.
 *
 * @param onFailure called for each failed attempt
 * @throws the signal's reason once it is aborted and an attempt has failed
 */
export async function loadPart<Part>(
  part: Pick<LazyPart<Part>, 'load'>,
  signal: AbortSignal,
  onFailure: (error: SottoError) => void,
): Promise<Part> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await part.load()
    } catch (cause) {
      throwIfAborted(signal)
      onFailure(
        new SottoError('UNAVAILABLE', {
          detail: 'a file of the app cannot be loaded: check the network',
          cause,
        }),
      )
      await sleepUntilOnline(jitter(attempt, BACKOFF), signal)
    }
  }
}
