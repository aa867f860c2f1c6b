/* Rules for text in Unicode. Without zod, because the server applies some of them to text that no schema has checked. */

/** Characters that show nothing: white space, control and ignorable characters, and blanks with another category. */
const INVISIBLE = String.raw`\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB\u{13430}-\u{13440}\u{1D159}`
const VISIBLE = new RegExp(`[^${INVISIBLE}]`, 'u')

export function hasVisibleCharacter(text: string): boolean {
  return VISIBLE.test(text)
}

/**
 * Whether a text stays on its line: it has no line breaks or other control characters, and no bidirectional formatting,
 * which could reverse the text after it. Joiners and directional marks are allowed, because some scripts need them.
 */
export function isSingleLine(text: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u.test(text)
}

/** Longer than any emoji, in code units. */
const MAX_EMOJI_LENGTH = 64

/**
 * The fully-qualified form of an emoji (UTS #51), with U+FE0F exactly where an emoji would otherwise be shown as text.
 * Keyboards and fonts differ in where they put it.
 */
export function qualifyEmoji(text: string): string {
  if (text.length > MAX_EMOJI_LENGTH) return text
  const characters = [...text.replaceAll('\uFE0F', '')]
  return characters
    .map((character, index) => {
      const isText = /^\p{Emoji}$/u.test(character) && !/^\p{Emoji_Presentation}$/u.test(character)
      return isText && !/^\p{Emoji_Modifier}$/u.test(characters[index + 1] ?? '')
        ? `${character}\uFE0F`
        : character
    })
    .join('')
}

/**
 * The form in which passwords are compared: OpaqueString (RFC 8265, section 4.2). The same password can be typed in
 * several Unicode forms, depending on the keyboard and the operating system.
 */
export function preparePassword(password: string): string {
  return password.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC')
}
