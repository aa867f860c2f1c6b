import { chmodSync, closeSync, openSync, statSync } from 'node:fs'

const OWNER_ONLY = 0o600
const OTHERS = 0o077

/**
 * Creates a file that only its owner can read, or makes an existing one so. Failures are ignored: opening the file
 * reports its own.
 *
 * Does not open an existing file: closing it would release the locks that SQLite holds on it in this process.
 */
export function keepPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', OWNER_ONLY))
  } catch {
    restrict(path)
  }
}

/** Makes an existing file readable by its owner only. */
export function restrict(path: string): void {
  try {
    if (statSync(path).mode & OTHERS) chmodSync(path, OWNER_ONLY)
  } catch {
    // Missing, or owned by another user.
  }
}
