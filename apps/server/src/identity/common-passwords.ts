import { minPasswordLength } from '@sotto/contract'

let known: Promise<ReadonlySet<string>> | undefined

/**
 * Whether a password is among the fifty thousand that are used most, case aside. The list is loaded when a first
 * password is set, and kept: those long enough to be passwords here, about eighteen thousand.
 */
export async function isCommonPassword(password: string): Promise<boolean> {
  known ??= load()
  return (await known).has(password.toLowerCase())
}

async function load(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].filter((word) => word.length >= minPasswordLength))
}
