import { Secret, TOTP } from 'otpauth'

/** What authenticator apps take without being told: RFC 6238 with SHA-1, 6 digits, 30 seconds. */
const TOTP_DEFAULTS = { issuer: 'Sotto', algorithm: 'SHA1', digits: 6, period: 30 }
/** RFC 4226, section 4, recommends 160 bits. */
const SECRET_BYTES = 20
/** How many codes before and after the present one are taken, for clocks that differ (RFC 6238, section 5.2). */
const WINDOW = 1
const MS_PER_S = 1_000

/** @returns a random secret in Base32. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32
}

/** The secret as authenticator apps read it off a QR code. */
export function totpUri(secret: string, username: string): string {
  return new TOTP({ ...TOTP_DEFAULTS, label: username, secret }).toString()
}

/** The time step that a code belongs to; undefined when it is no code of these moments. */
export function totpStepOf(secret: string, code: string, at: Date): number | undefined {
  const totp = new TOTP({ ...TOTP_DEFAULTS, secret })
  const delta = totp.validate({ token: code, timestamp: at.getTime(), window: WINDOW })
  if (delta === null) return undefined
  return Math.floor(at.getTime() / MS_PER_S / TOTP_DEFAULTS.period) + delta
}
