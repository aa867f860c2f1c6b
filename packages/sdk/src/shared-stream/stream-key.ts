import type { EventSource } from '../events.ts'
import { absoluteUrl, platform } from './platform.ts'

/** Streams with the same key can be shared. */
export interface StreamKey {
  /** Contains no secret, if `isShareable`. */
  value: string
  /** When the token expires. Undefined if it does not contain the time. */
  expiresAt: number | undefined
  /** Whether tabs with this key act for the same user with the same session, as far as the client can know. */
  isShareable: boolean
}

/**
 * The key of a server and a credential. A signed token counts by its subject, because each tab has a token of its own.
 * Other tokens belong to a session, so only tabs with the same token share a stream: signing out ends it for all.
 */
export async function streamKeyOf(
  { base, hasOwnFetch }: Pick<EventSource, 'base' | 'hasOwnFetch'>,
  headers: Headers,
): Promise<StreamKey> {
  const authorization = headers.get('authorization')
  const claims = authorization === null ? undefined : claimsOf(authorization)
  const others = [...headers].filter(([name]) => name !== 'authorization').sort()
  const subject = claims ? [claims.iss, claims.aud, claims.sub] : authorization
  const value = JSON.stringify([absoluteUrl(base || '/').href, subject, others])
  const { crypto } = globalThis
  // Both are missing in pages that were loaded over plain HTTP.
  const canShare = platform.navigator?.locks && platform.BroadcastChannel && crypto?.subtle
  // A `fetch` that was passed to the client may add credentials that are not known here.
  const isShareable = Boolean(canShare && (authorization !== null || !hasOwnFetch))
  return {
    value: isShareable ? await digest(value) : value,
    expiresAt: typeof claims?.exp === 'number' ? claims.exp * 1_000 : undefined,
    isShareable,
  }
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The claims of a JWT, which are not verified. */
function claimsOf(authorization: string): Record<string, unknown> | undefined {
  const [, payload] = /^Bearer [\w-]+\.([\w-]+)\.[\w-]+$/.exec(authorization) ?? []
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    if (typeof claims !== 'object' || claims === null || !('sub' in claims)) return undefined
    return claims as Record<string, unknown>
  } catch {
    return undefined
  }
}
