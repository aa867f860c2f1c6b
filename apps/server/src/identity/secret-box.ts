import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { SottoError } from '@sotto/contract'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** Recommended by NIST SP 800-38D for GCM. */
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts secrets that the server must read again, so that a copy of the database does not reveal them.
 *
 * Uses AES-256-GCM with a key that HKDF derives from a secret outside the database. A value encrypted for one owner
 * cannot be decrypted for another.
 */
export class SecretBox {
  readonly #readSecret: () => string | undefined
  #key: Buffer | undefined

  /** @param readSecret called when first needed. Returns undefined if there is no secret. */
  constructor(readSecret: () => string | undefined) {
    this.#readSecret = readSecret
  }

  /** @throws {SottoError} UNAVAILABLE if this server has no secret. */
  seal(plaintext: string, owner: string): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(CIPHER, this.#requireKey(), iv).setAAD(Buffer.from(owner))
    const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
  }

  /** @throws {SottoError} UNAVAILABLE if this server has no secret, or a different one. */
  open(box: string, owner: string): string {
    const bytes = Buffer.from(box, 'base64url')
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)]
    const decipher = createDecipheriv(CIPHER, this.#requireKey(), iv, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(owner)).setAuthTag(tag)
    try {
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch (error) {
      throw new SottoError('UNAVAILABLE', {
        detail: 'this secret was encrypted with a different SOTTO_SECRET',
        cause: error,
      })
    }
  }

  #requireKey(): Buffer {
    if (this.#key) return this.#key
    const secret = this.#readSecret()
    if (secret === undefined) {
      throw new SottoError('UNAVAILABLE', {
        detail: 'two-factor authentication and webhooks require the setting SOTTO_SECRET',
      })
    }
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'sotto secret box', KEY_BYTES))
    return this.#key
  }
}
