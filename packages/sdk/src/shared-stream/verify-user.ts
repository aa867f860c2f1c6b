import { SottoError } from '@sotto/contract'
import { lifetimeOf } from '../event-transport.ts'
import type { EventSource } from '../events.ts'
import { throwIfAborted } from '../runtime-gaps.ts'
import { errorOfResponse, unreachable } from '../transport.ts'
import { abortable, jitter, sleepUntilOnline } from '../waiting.ts'
import type { StreamKey } from './stream-key.ts'
import { streamKeyOf } from './stream-key.ts'

const BACKOFF = { firstMs: 500, longestMs: 30_000 }
const TIMEOUT_MS = 25_000

/**
 * Checks that the caller's credentials are valid and belong to the user of this cursor: the server rejects cursors of
 * other users. Repeats what failed temporarily.
 *
 * @returns the current key
 * @throws SottoError if that is not the case, errors of the token function, or the reason of the signal
 */
export async function verifyUser(
  source: EventSource,
  key: StreamKey,
  cursor: string,
  signal: AbortSignal,
): Promise<StreamKey> {
  for (let attempt = 1; ; attempt += 1) {
    const headers = await abortable(source.headers(), signal)
    const current = await streamKeyOf(source, headers)
    if (current.value !== key.value) throw new SottoError('UNAUTHENTICATED')
    try {
      await checkCursor(source, headers, cursor, signal)
      return current
    } catch (error) {
      throwIfAborted(signal)
      if (!(error instanceof SottoError)) throw error
      if (error.code === 'UNAUTHENTICATED' && source.refuse(headers) && attempt === 1) continue
      if (!error.retryable) throw error
      await sleepUntilOnline((error.retryAfterMs ?? 0) + jitter(attempt, BACKOFF), signal)
      throwIfAborted(signal)
    }
  }
}

async function checkCursor(
  { base, fetch }: EventSource,
  headers: Headers,
  cursor: string,
  signal: AbortSignal,
): Promise<void> {
  const url = `${base}/v1/events/pull`
  const lifetime = lifetimeOf(signal)
  try {
    const init = { method: 'GET', headers: Object.fromEntries(headers), signal: lifetime.signal }
    const request = fetch(`${url}?${new URLSearchParams({ cursor })}`, init).catch((cause: unknown) => {
      throw unreachable(url, cause)
    })
    const response = await lifetime.within(TIMEOUT_MS, request)
    if (response.status !== 200) throw await lifetime.within(TIMEOUT_MS, errorOfResponse(url, response))
  } finally {
    lifetime.end()
  }
}
