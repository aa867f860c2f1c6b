/** The database cannot be opened, migrated or used as requested. The message is one line for the operator. */
export class DatabaseOpenError extends Error {
  override readonly name = 'DatabaseOpenError'
}

/** The error's code: a SQLSTATE, or a name from SQLite or the operating system. Empty if the error has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether a row with the same unique key exists already. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY'
}

/** Whether a lock could not be acquired within lock_timeout. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03'
}

/** The first line of the error's message, or its code if the message is empty. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message || codeOf(error) || error.name : String(error)
  return text.split('\n')[0] ?? ''
}

const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'SQLITE_FULL',
  'SQLITE_ABORT_ROLLBACK', // for example, another statement hit a full disk
  '3D000', // invalid_catalog_name: the database does not exist, for example during a restore
  '55000', // object_not_in_prerequisite_state: the database accepts no connections, for example while it is moved
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
])

/** SQLSTATE classes: connection exception, insufficient resources, operator intervention. */
const UNAVAILABLE_CLASSES = ['08', '53', '57P']

/** Whether the database is temporarily unavailable: the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error)
  if (UNAVAILABLE_CODES.has(code) || code.startsWith('SQLITE_BUSY')) return true
  if (UNAVAILABLE_CLASSES.some((prefix) => code.startsWith(prefix) && code.length === 5)) return true
  // pg reports these without a code.
  return (
    error instanceof Error &&
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  )
}
