/*
 * How inputs refer to users: by username, by id, or by the host's own id after `ext:`. Without zod, because the SDK
 * compares references too.
 */

const EXTERNAL_PREFIX = 'ext:'
/** In Unicode code points. */
const MAX_EXTERNAL_ID_LENGTH = 255

/** The external id in a reference such as `ext:auth0|5f7c`. Undefined for a username or an id. */
export function externalIdIn(ref: string): string | undefined {
  return ref.startsWith(EXTERNAL_PREFIX) ? ref.slice(EXTERNAL_PREFIX.length) : undefined
}

export function externalRef(externalId: string): string {
  return EXTERNAL_PREFIX + externalId
}

/** Whether every database and every JSON parser preserves the text: no NUL, no unpaired surrogates. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

export function isExternalId(text: string): boolean {
  if (text === '' || text.length > 2 * MAX_EXTERNAL_ID_LENGTH || !isStorable(text)) return false
  return text.length <= MAX_EXTERNAL_ID_LENGTH || [...text].length <= MAX_EXTERNAL_ID_LENGTH
}

/**
 * The form in which two references to the same user are equal. Usernames and ids are converted to lowercase, only in
 * ASCII: U+212A must not become the letter k. External ids are compared exactly, so anything that resembles one is
 * returned unchanged.
 */
export function foldUserRef(ref: string): string {
  if (/^ext:/i.test(ref)) return ref
  return ref.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
