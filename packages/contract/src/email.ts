import isEmail from 'validator/lib/isEmail.js'
import { isSingleLine } from './unicode.ts'
import { plainString } from './values.ts'

const MAX_LENGTH = 254

function isAddress(value: string): boolean {
  // A quoted local part could hide anything. Only line breaks and bidirectional formatting are valid elsewhere.
  if (!isEmail.default(value, { blacklisted_chars: '"' }) || !isSingleLine(value)) return false
  if (/\p{Default_Ignorable_Code_Point}/u.test(value)) return false
  return URL.canParse(`http://${value.slice(value.lastIndexOf('@') + 1)}`)
}

/** An email address, possibly internationalized (RFC 6531): `schäfer@bücher.example`. */
export const email = plainString
  .max(MAX_LENGTH, `must be at most ${MAX_LENGTH} characters`)
  .refine(isAddress, 'must be an email address')
  .meta({ format: 'idn-email', description: 'Returned only to the user and to a bare key.' })
