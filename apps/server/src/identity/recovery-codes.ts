import { randomInt } from 'node:crypto'
import { hashSecret } from './secrets.ts'

const COUNT = 10
/** Crockford's Base32: 5 bits per character, without ambiguous characters. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
/** 80 bits: too many to guess, even with access to the hashes. */
const LENGTH = 16

/** Ten random codes of the form `xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => {
    const characters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)])
    return (characters.join('').match(/.{4}/g) ?? []).join('-')
  })
}

/** The stored hash of a user's code. Ignores case, spaces and hyphens. */
export function hashRecoveryCode(userId: string, code: string): string {
  return hashSecret(`${userId}:${code.toLowerCase().replaceAll(/[\s-]/g, '')}`)
}
