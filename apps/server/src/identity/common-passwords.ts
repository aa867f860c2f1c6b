import { minPasswordLength, preparePassword } from '@sotto/contract'

let known: Promise<ReadonlySet<string>> | undefined

/**
 * Whether a password is one of the 50,000 most common, ignoring case. Loads the list on first use, and keeps the 18,000
 * entries that meet the minimum length.
 */
export async function isCommonPassword(password: string): Promise<boolean> {
  known ??= load()
  return (await known).has(preparePassword(password).toLowerCase())
}

async function load(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].filter((word) => word.length >= minPasswordLength))
}
