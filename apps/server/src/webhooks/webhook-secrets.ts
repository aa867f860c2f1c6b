import type { WebhookRow } from '@sotto/db'
import type { SecretBox } from '../identity/secret-box.ts'

/** How long the secret before the present one signs too, in milliseconds. */
export const OVERLAP_MS = 24 * 60 * 60 * 1_000

/** @throws {SottoError} UNAVAILABLE when this server has nothing to seal with. */
export function sealWebhookSecret(
  box: Pick<SecretBox, 'seal' | 'open'>,
  secret: string,
  webhookId: string,
): string {
  return box.seal(secret, ownerOf(webhookId))
}

/**
 * What a webhook's deliveries are signed with: its secret, then for a while the one before.
 *
 * @throws {SottoError} UNAVAILABLE when SOTTO_SECRET is gone, or another one.
 */
export function openWebhookSecrets(
  box: Pick<SecretBox, 'seal' | 'open'>,
  row: WebhookRow,
  now: Date,
): string[] {
  const { sealed_secret: present, previous_sealed_secret: previous, previous_secret_ends_at: until } = row
  const isPreviousValid = previous !== null && until !== null && until > now
  return [present, ...(isPreviousValid ? [previous] : [])].map((sealed) => box.open(sealed, ownerOf(row.id)))
}

function ownerOf(webhookId: string): string {
  return `webhook ${webhookId}`
}
