import { invalidInput } from '@sotto/contract'
import type { App } from '../app/app.ts'

/**
 * Checks a URL without resolving its host. The address is checked on each connection.
 *
 * @throws {SottoError} INVALID_INPUT
 */
export function requireAllowedUrl({ outboundRules }: Pick<App, 'outboundRules'>, url: string): void {
  const refusal = outboundRules.refusalOf(new URL(url))
  if (refusal) throw invalidInput('url', refusal)
}
