import { Secret, TOTP } from 'otpauth'
import { latestBelievable } from '../lib/clock.ts'

/** The defaults of authenticator apps: RFC 6238 with SHA-1, 6 digits, 30 seconds. */
const TOTP_DEFAULTS = { issuer: 'Sotto', algorithm: 'SHA1', digits: 6, period: 30 }
/** RFC 4226, section 4, recommends 160 bits. */
const SECRET_BYTES = 20
/** The number of accepted codes before and after the current one, for clock drift (RFC 6238, section 5.2). */
const WINDOW = 1
const MS_PER_S = 1_000

/** @returns a random secret in Base32. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32
}

/** The URI that authenticator apps read from a QR code. */
export function totpUri(secret: string, username: string): string {
  return new TOTP({ ...TOTP_DEFAULTS, label: username, secret }).toString()
}

/** The time step of a code; undefined if the code is not valid at that time. */
export function totpStepOf(secret: string, code: string, at: Date): number | undefined {
  const totp = new TOTP({ ...TOTP_DEFAULTS, secret })
  const delta = totp.validate({ token: code, timestamp: at.getTime(), window: WINDOW })
  return delta === null ? undefined : stepAt(at) + delta
}

/** The latest time step whose code a server can have accepted by now. */
export function latestTotpStep(now: Date): number {
  return stepAt(latestBelievable(now)) + WINDOW
}

function stepAt(at: Date): number {
  return Math.floor(at.getTime() / MS_PER_S / TOTP_DEFAULTS.period)
}
