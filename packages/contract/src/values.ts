import { z } from 'zod'

/**
 * A string that every database and every JSON parser keeps as it is: no NUL (PostgreSQL cannot store it) and
 * no unpaired surrogates (UTF-8 cannot carry them).
 */
export const plainString = z
  .string()
  .refine(
    (value) => !value.includes('\0') && value.isWellFormed(),
    'takes text without NUL or unpaired surrogates',
  )

/** How many characters (Unicode code points) a message text may have, unless the server is told otherwise. */
export const defaultMaxTextLength = 10_000

/** A message text, kept as it came. The server bounds its length (SOTTO_MAX_TEXT_LENGTH). */
export const messageText = plainString
  .refine((value) => /\S/u.test(value), 'takes at least one character that is not white space')
  .meta({ description: 'Kept as it came. At most SOTTO_MAX_TEXT_LENGTH characters (Unicode code points).' })

export const username = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,31}$/i,
    'takes 1 to 32 of a-z, 0-9, dot, underscore and hyphen, the first a letter or digit',
  )
  .toLowerCase()
  .meta({ description: 'Upper case is taken and stored as lower case.' })

/** A username or a user id. Whoever names nobody with it gets USER_NOT_FOUND, not INVALID_INPUT. */
export const userRef = plainString
  .min(1, 'takes a username or a user id')
  .max(255, 'takes a username or a user id')
  .toLowerCase()
  .meta({ description: 'A username or a user id.' })

/** In Unicode code points. */
export const minPasswordLength = 8
const MAX_PASSWORD_LENGTH = 256
const PASSWORD_LENGTH = `takes ${minPasswordLength} to ${MAX_PASSWORD_LENGTH} characters`

/**
 * A password to set. Any characters: length is what makes a password hard to guess (NIST SP 800-63B). The server
 * refuses the most common ones besides.
 */
export const newPassword = plainString
  .min(minPasswordLength, PASSWORD_LENGTH)
  .max(MAX_PASSWORD_LENGTH, PASSWORD_LENGTH)
  .meta({ description: 'Any characters, but none of the most common passwords.' })

/** A password that somebody shows. Not held to the rules for new ones: it is right or wrong, however it looks. */
export const shownPassword = plainString.max(
  MAX_PASSWORD_LENGTH,
  `takes at most ${MAX_PASSWORD_LENGTH} characters`,
)

/** A secret that the server gave out once. */
export const secretToken = plainString.min(1, 'takes a token').max(128, 'takes a token')

/** What an authenticator app shows (TOTP, RFC 6238). */
export const totpCode = z
  .string()
  .regex(/^\d{6}$/, 'takes 6 digits')
  .meta({ description: 'What the authenticator app shows. Each code is taken once.' })

/** What stands in for such a code, once. */
export const recoveryCode = plainString
  .min(1, 'takes a recovery code')
  .max(64, 'takes a recovery code')
  .meta({ description: 'Instead of a code. Case, hyphens and spaces aside.' })

/** The id of something that may not exist: any string is looked up, and one that names nothing is not found. */
export const idRef = plainString.min(1, 'takes an id').max(255, 'takes an id').toLowerCase()

/*
 * What the server tells is described, not checked again: it has just made it, and pages are long.
 */

/** Ids that the server gives out are UUIDv7 (RFC 9562), lower case. */
export const id = z.string().meta({ format: 'uuid', description: 'A UUIDv7.' })

/** A whole number that the server tells. */
export const whole = z.number().meta({ type: 'integer' })

const MAX_URL_LENGTH = 2_048
const MAX_INT_32 = 2_147_483_647

export const httpUrl = plainString
  .max(MAX_URL_LENGTH, `takes at most ${MAX_URL_LENGTH} characters`)
  .refine(
    (value) => /^https?:\/\/[^\s/]\S*$/iu.test(value) && URL.canParse(value),
    'takes an http or https URL',
  )
  .meta({ format: 'uri' })

/** Pixels or seconds: a positive 32-bit integer. */
export const positiveInt = z
  .int('takes a whole number')
  .min(1, `takes 1 to ${MAX_INT_32}`)
  .max(MAX_INT_32, `takes 1 to ${MAX_INT_32}`)

/** A place in a conversation: 0 is before the first message. */
export const seq = z.int('takes a whole number').min(0, 'takes 0 or more')

/** One emoji that Unicode recommends for general interchange (RGI, UTS #51). */
export const emoji = z
  .string()
  .refine((value) => /^\p{RGI_Emoji}$/v.test(value), 'takes one emoji')
  .meta({ description: 'One emoji as Unicode recommends for general interchange (RGI).' })

export const clientMessageId = plainString
  .min(1, 'takes 1 to 128 characters')
  .max(128, 'takes 1 to 128 characters')
  .meta({ description: 'Repeating a send with the same one gives the first message again.' })

/** A moment that the server tells. ISO 8601 UTC with milliseconds over HTTP, a Date over RPC and in the SDK. */
export const timestamp = z.date()

const EARLIEST = new Date('0001-01-01T00:00:00.000Z')
const LATEST = new Date('9999-12-31T23:59:59.999Z')
const INSTANT_MESSAGE = 'takes an ISO 8601 time with a zone, such as 2026-01-31T12:00:00.000Z'

/** A moment that a caller names: an ISO 8601 string with a zone, or a Date. */
export const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }).transform((value) => new Date(value))], {
    error: INSTANT_MESSAGE,
  })
  .refine((value) => value >= EARLIEST && value <= LATEST, INSTANT_MESSAGE)
  .meta({ type: 'string', format: 'date-time' })

const MAX_PAGE_LENGTH = 200
/** How many items a list answers when it is not told. */
export const defaultLimit = 50

const pageLength = z
  .int('takes a whole number from 1 to 200')
  .min(1, 'takes a whole number from 1 to 200')
  .max(MAX_PAGE_LENGTH, 'takes a whole number from 1 to 200')

export const limit = pageLength.meta({
  description: 'How many items to answer at most.',
  default: defaultLimit,
})
export const cursor = plainString
  .min(1, 'takes the nextCursor of an earlier answer')
  .max(512, 'takes the nextCursor of an earlier answer')
  .meta({ description: 'The nextCursor of the answer before this one.' })
export const page = z
  .int('takes a whole number from 1')
  .min(1, 'takes a whole number from 1')
  .meta({ description: 'A page by number; 1 is the newest. Not together with cursor or limit.' })
export const pageSize = pageLength.meta({ description: 'How long a page is.', default: defaultLimit })

/** A list's answer: the items, and the cursor of what follows; null at the end. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

/** An optional field that may be left out, but not be null. */
export function profileName(what: string) {
  return plainString
    .min(1, `takes 1 to 128 characters`)
    .max(128, 'takes 1 to 128 characters')
    .meta({ description: what })
}

const MAX_GROUP_NAME_LENGTH = 128

/** What a group is called, kept as it came. */
export const groupName = plainString
  .max(MAX_GROUP_NAME_LENGTH, `takes 1 to ${MAX_GROUP_NAME_LENGTH} characters`)
  .refine((value) => /\S/u.test(value), 'takes at least one character that is not white space')
