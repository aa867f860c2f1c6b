import { type InputIssue, SottoError } from '@sotto/sdk'

/** What to tell a person of a failure. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof SottoError)) return 'Something went wrong.'
  switch (error.code) {
    case 'UNAVAILABLE':
      return 'The server cannot be reached.'
    case 'RATE_LIMITED':
      return 'That was too often. Please wait a little.'
    case 'UNAUTHENTICATED':
      return 'The username or the password is wrong.'
    case 'SECOND_FACTOR_REQUIRED':
      return 'The code is wrong.'
    case 'USERNAME_TAKEN':
      return 'This username is taken.'
    case 'EMAIL_TAKEN':
      return 'This email address is taken.'
    case 'USER_NOT_FOUND':
      return 'Nobody here has this username.'
    case 'FORBIDDEN':
      return 'You may not do this.'
    default:
      return ofIssue(error.issues[0]) ?? error.message
  }
}

function ofIssue(issue: InputIssue | undefined): string | undefined {
  return issue && (issue.path ? `${issue.path}: ${issue.message}.` : `${issue.message}.`)
}
