import { TOTP } from 'otpauth'

const PERIOD_MS = 30_000

/** What an authenticator app that has this secret shows at this time. */
export function codeOf(secret: string, at: Date): string {
  return new TOTP({ secret }).generate({ timestamp: at.getTime() })
}

/** What it shows half a minute later. */
export function nextCodeOf(secret: string, at: Date): string {
  return codeOf(secret, new Date(at.getTime() + PERIOD_MS))
}
