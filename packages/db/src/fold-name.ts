/** In code points. Bounds the size of an index row: PostgreSQL rejects those of more than 2,704 bytes. */
const MAX_KEY_LENGTH = 512

/**
 * The form in which names are searched: compatibility decomposition and full case folding, without characters that are
 * not shown. Decomposed, so that a prefix of a name stays a prefix while its last letter or syllable is being typed.
 *
 * A change requires a migration that updates all stored keys.
 */
export function foldName(name: string): string {
  const folded = Array.from(name.normalize('NFKD'), foldCase).join('').normalize('NFKD')
  const key = folded
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    // The dot of a Turkish capital I, which other languages do not write on the small one.
    .replaceAll('i\u0307', 'i')
  return key.length <= MAX_KEY_LENGTH ? key : [...key].slice(0, MAX_KEY_LENGTH).join('')
}

/**
 * Case folding of one character: lowercasing a whole text changes a capital sigma differently at the end of a word.
 * In lowercase first, because the capital sharp s is already in uppercase, and has only then two letters.
 */
function foldCase(character: string): string {
  return character.toLowerCase().toUpperCase().toLowerCase()
}

/**
 * The form in which email addresses are unique: ignoring case and Unicode form, and with the domain in its ASCII form,
 * in which `bücher.example` and `xn--bcher-kva.example` are the same.
 */
export function foldEmail(email: string): string {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  const local = email.slice(0, at).normalize('NFKC').toLowerCase().normalize('NFKC')
  return `${local}@${(URL.parse(`http://${domain}`)?.hostname || domain).toLowerCase()}`
}
