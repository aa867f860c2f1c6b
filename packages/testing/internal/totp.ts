import { TOTP } from 'otpauth'

const PERIOD_MS = 30_000

/** The code that an authenticator app with this secret shows at this time. */
export function totpCode(secret: string, at: Date): string {
  return new TOTP({ secret }).generate({ timestamp: at.getTime() })
}

/** The code one period later. */
export function nextTotpCode(secret: string, at: Date): string {
  return totpCode(secret, new Date(at.getTime() + PERIOD_MS))
}
