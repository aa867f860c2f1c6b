import { SottoError } from '@sotto/sdk'

/** An error as a sentence for users. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof SottoError)) return 'Something went wrong.'
  switch (error.code) {
    case 'UNAVAILABLE':
      return "Can't reach the server."
    case 'RATE_LIMITED':
      return 'Too many attempts. Try again in a moment.'
    case 'UNAUTHENTICATED':
      return 'Incorrect username or password.'
    case 'SECOND_FACTOR_REQUIRED':
      return 'Incorrect code.'
    case 'USER_MISMATCH':
      return 'Another user is signed in to this browser now.'
    case 'USERNAME_TAKEN':
      return 'This username is taken.'
    case 'EMAIL_TAKEN':
      return 'This email address is already in use.'
    case 'USER_NOT_FOUND':
      return 'No user with this username.'
    case 'FORBIDDEN':
      return "You don't have permission to do this."
    default:
      return error.issues[0] ? issueMessage(error.issues[0].message, error.issues[0].path) : error.message
  }
}

/** A validation issue as a sentence. The message of an issue is a rule without a subject. */
export function issueMessage(message: string, path = ''): string {
  const [, limit] = /at most ([\d,]+) characters/.exec(message) ?? []
  if (limit !== undefined) {
    return `Too long (limit ${Number(limit.replaceAll(',', '')).toLocaleString('en-US')} characters).`
  }
  if (path) return `${path}: ${message}.`
  if (message.startsWith('is ')) return `This ${message}.`
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}
