import { z } from 'zod'
import { hasVisibleCharacter, isSingleLine, preparePassword, qualifyEmoji } from './unicode.ts'
import { externalIdIn, foldUserRef, isExternalId, isStorable } from './user-refs.ts'

/**
 * A string that every database and every JSON parser preserves: no NUL (PostgreSQL cannot store it) and no unpaired
 * surrogates (UTF-8 cannot encode them).
 */
export const plainString = z
  .string()
  // Later checks only see text that they can handle.
  .refine(isStorable, { error: 'must not contain NUL or unpaired surrogates', abort: true })

/** The default maximum length of a message text, in Unicode code points. */
export const defaultMaxTextLength = 10_000

const VISIBLE = 'must contain at least one visible character'

/** A message text, stored unchanged. The server limits its length (SOTTO_MAX_TEXT_LENGTH). */
export const messageText = plainString
  .refine(hasVisibleCharacter, VISIBLE)
  .meta({ description: 'Stored unchanged. At most SOTTO_MAX_TEXT_LENGTH characters (Unicode code points).' })

export const username = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,31}$/i,
    'must be 1 to 32 letters (a-z), digits, dots, underscores or hyphens, starting with a letter or digit',
  )
  .toLowerCase()
  .meta({ description: 'Converted to lowercase.' })

/** A user's id in the host's own system. Compared exactly: no folding, no normalization. */
export const externalId = z
  .string()
  .refine(isExternalId, 'must be 1 to 255 characters, without NUL and unpaired surrogates')
  .meta({
    description: "The user's id in your own system. Unique. Compared exactly, including case.",
    minLength: 1,
    maxLength: 255,
  })

const MAX_REF_LENGTH = 255
const USER_REF = 'must be a username, a user id, or ext: followed by an external id'

/**
 * A username, a user id, or `ext:` followed by an external id. Unknown users result in USER_NOT_FOUND, not
 * INVALID_INPUT.
 */
export const userRef = plainString
  .min(1, USER_REF)
  .refine((ref) => {
    const external = externalIdIn(ref)
    return external === undefined ? ref.length <= MAX_REF_LENGTH : isExternalId(external)
  }, USER_REF)
  .overwrite(foldUserRef)
  .meta({ description: 'A username, a user id, or `ext:` followed by an external id.' })

/** A reference to a user by external id, who does not need to exist. */
export const externalUserRef = userRef
  .refine((ref) => externalIdIn(ref) !== undefined, 'must be ext: followed by an external id')
  .meta({ description: '`ext:` followed by an external id, percent-encoded: `ext%3Aa%2Fb` for `a/b`.' })

/** In Unicode code points. */
export const minPasswordLength = 8
const MAX_PASSWORD_LENGTH = 256
/** A password that was typed decomposed has up to four characters for one. */
const MAX_ENTERED_LENGTH = 4 * MAX_PASSWORD_LENGTH
const PASSWORD_LENGTH = `must be ${minPasswordLength} to ${MAX_PASSWORD_LENGTH} characters`
const EXISTING_LENGTH = `must be at most ${MAX_PASSWORD_LENGTH} characters`

/**
 * A new password. Any characters are allowed: length makes a password hard to guess, not composition rules (NIST SP
 * 800-63B). The server also rejects the most common passwords.
 */
export const newPassword = plainString
  // First, because normalizing a long text can take minutes.
  .max(MAX_ENTERED_LENGTH, { error: PASSWORD_LENGTH, abort: true })
  .overwrite(preparePassword)
  .min(minPasswordLength, PASSWORD_LENGTH)
  .max(MAX_PASSWORD_LENGTH, PASSWORD_LENGTH)
  .meta({
    description:
      'Any characters are allowed. Compared in one Unicode form (RFC 8265). The most common passwords are rejected.',
  })

/** An existing password to verify. The rules for new passwords do not apply. */
export const existingPassword = plainString
  .max(MAX_ENTERED_LENGTH, { error: EXISTING_LENGTH, abort: true })
  .refine((value) => [...preparePassword(value)].length <= MAX_PASSWORD_LENGTH, EXISTING_LENGTH)

/** A secret token that the server has issued. */
export const secretToken = plainString
  .min(1, 'must be 1 to 128 characters')
  .max(128, 'must be 1 to 128 characters')

/** A code from an authenticator app (TOTP, RFC 6238). */
export const totpCode = z
  .string()
  .regex(/^\d{6}$/, 'must be 6 digits')
  .meta({ description: 'The code from the authenticator app. Each code is accepted once.' })

/** A recovery code, which can be used once instead of a TOTP code. */
export const recoveryCode = plainString
  .min(1, 'must be 1 to 64 characters')
  .max(64, 'must be 1 to 64 characters')
  .meta({ description: 'A recovery code, instead of a code. Case, hyphens and spaces are ignored.' })

/** An id to look up. Any string is valid; unknown ids result in a not-found error. */
export const idRef = plainString.min(1, 'must be an id').max(255, 'must be an id').toLowerCase()

/*
 * Output schemas describe values without validating them: the server has produced them, and validating long pages is
 * slow.
 */

/** Ids from the server are lowercase UUIDv7 (RFC 9562). */
export const id = z.string().meta({ format: 'uuid', description: 'A UUIDv7.' })

/** A whole number in output. */
export const integer = z.number().meta({ type: 'integer' })

/** A whole number in input. */
export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${grouped(min)} to ${grouped(max)}`
  return z.int(message).min(min, message).max(max, message)
}

const numberFormat = new Intl.NumberFormat('en-US')

/** With thousands separators: 10,000. */
function grouped(value: number): string {
  return numberFormat.format(value)
}

const MAX_URL_LENGTH = 2_048
const MAX_INT_32 = 2_147_483_647

export const httpUrl = plainString
  .max(MAX_URL_LENGTH, `must be at most ${grouped(MAX_URL_LENGTH)} characters`)
  .refine(
    (value) => /^https?:\/\/[^\s/]\S*$/iu.test(value) && URL.canParse(value),
    'must be an http or https URL',
  )
  .meta({ format: 'uri' })

/** Pixels or seconds: a positive 32-bit integer. */
export const positiveInt = wholeNumber(1, MAX_INT_32)

/** The number of a message in its conversation; 0 refers to the start, before the first message. */
export const seq = z
  .int('must be a whole number of at least 0')
  .min(0, 'must be a whole number of at least 0')

/** One emoji recommended by Unicode for general interchange (RGI, UTS #51). */
export const emoji = z
  .string()
  .overwrite(qualifyEmoji)
  .refine((value) => /^\p{RGI_Emoji}$/v.test(value), 'must be a single emoji')
  .meta({
    description:
      'A single emoji recommended by Unicode for general interchange (RGI), with or without variation selectors (U+FE0F).',
  })

export const clientMessageId = plainString
  .min(1, 'must be 1 to 128 characters')
  .max(128, 'must be 1 to 128 characters')
  .meta({ description: 'Makes a send safe to repeat: the same clientMessageId returns the first message.' })

export const clientConversationId = plainString
  .min(1, 'must be 1 to 128 characters')
  .max(128, 'must be 1 to 128 characters')
  .meta({
    description: 'Makes the call safe to repeat: the same clientConversationId returns the first group.',
  })

/** A time in output: ISO 8601 in UTC with milliseconds over HTTP, a Date over RPC and in the SDK. */
export const timestamp = z.date()

const EARLIEST = new Date('0001-01-01T00:00:00.000Z')
const LATEST = new Date('9999-12-31T23:59:59.999Z')
const INSTANT_MESSAGE = 'must be an ISO 8601 time with a time zone, such as 2026-01-31T12:00:00.000Z'

/** A time in input: an ISO 8601 string with a time zone, or a Date. */
export const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }).transform((value) => new Date(value))], {
    error: INSTANT_MESSAGE,
  })
  .refine((value) => value >= EARLIEST && value <= LATEST, INSTANT_MESSAGE)
  .meta({ type: 'string', format: 'date-time' })

const MAX_PAGE_LENGTH = 200
/** The default number of items per page. */
export const defaultLimit = 50

const pageLength = wholeNumber(1, MAX_PAGE_LENGTH)

export const limit = pageLength.meta({
  description: 'The maximum number of items to return.',
  default: defaultLimit,
})
export const cursor = plainString
  .min(1, 'must be the nextCursor of an earlier response')
  .max(512, 'must be the nextCursor of an earlier response')
  .meta({ description: 'The nextCursor of the previous page.' })
export const page = z
  .int('must be a whole number of at least 1')
  .min(1, 'must be a whole number of at least 1')
  .meta({ description: 'The page number; 1 is the newest page. Cannot be combined with cursor or limit.' })
export const pageSize = pageLength.meta({
  description: 'The number of items per page.',
  default: defaultLimit,
})

/** One page of a list. `nextCursor` is null on the last page. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

const SINGLE_LINE =
  'must not contain line breaks, other control characters or bidirectional formatting characters'

/** A short text that is shown on one line, such as a name. */
export const singleLine = plainString.refine(hasVisibleCharacter, VISIBLE).refine(isSingleLine, SINGLE_LINE)

/** A name in a user's profile. */
export function profileName(what: string) {
  return singleLine
    .min(1, 'must be 1 to 128 characters')
    .max(128, 'must be 1 to 128 characters')
    .meta({ description: what })
}

const MAX_GROUP_NAME_LENGTH = 128

/** The name of a group, stored unchanged. */
export const groupName = singleLine.max(
  MAX_GROUP_NAME_LENGTH,
  `must be at most ${MAX_GROUP_NAME_LENGTH} characters`,
)
