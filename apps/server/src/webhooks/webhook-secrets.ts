import type { WebhookRow } from '@sotto/db'
import type { SecretBox } from '../identity/secret-box.ts'

/** How long the previous secret also signs, in milliseconds. */
export const OVERLAP_MS = 24 * 60 * 60 * 1_000

/** @throws {SottoError} UNAVAILABLE if this server has no secret. */
export function sealWebhookSecret(
  box: Pick<SecretBox, 'seal' | 'open'>,
  secret: string,
  webhookId: string,
): string {
  return box.seal(secret, ownerOf(webhookId))
}

/**
 * The signing secrets of a webhook: the current one, and the previous one until it expires.
 *
 * @throws {SottoError} UNAVAILABLE if SOTTO_SECRET is missing or has changed.
 */
export function openWebhookSecrets(
  box: Pick<SecretBox, 'seal' | 'open'>,
  row: WebhookRow,
  now: Date,
): string[] {
  const { sealed_secret: current, previous_sealed_secret: previous, previous_secret_ends_at: until } = row
  const isPreviousValid = previous !== null && until !== null && until > now
  return [current, ...(isPreviousValid ? [previous] : [])].map((sealed) => box.open(sealed, ownerOf(row.id)))
}

function ownerOf(webhookId: string): string {
  return `webhook ${webhookId}`
}
