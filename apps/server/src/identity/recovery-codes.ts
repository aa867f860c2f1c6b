import { randomInt } from 'node:crypto'
import { hashSecret } from './secrets.ts'

const COUNT = 10
/** Crockford's Base32: 5 bits per character, without look-alikes. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
/** 80 bits: too many to guess, even with the hashes. */
const LENGTH = 16

/** Ten new ones, `xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => {
    const characters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)])
    return (characters.join('').match(/.{4}/g) ?? []).join('-')
  })
}

/** The stored hash of a user's code, independent of how it was typed. */
export function hashRecoveryCode(userId: string, code: string): string {
  return hashSecret(`${userId}:${code.toLowerCase().replaceAll(/[\s-]/g, '')}`)
}
