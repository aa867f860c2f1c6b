/** Languages that are written from right to left, for browsers that do not tell (Firefox, as of 2026). */
const RIGHT_TO_LEFT = new Set(['ar', 'arc', 'ckb', 'dv', 'fa', 'he', 'ks', 'ps', 'sd', 'ug', 'ur', 'yi'])

/** A part of the standard that TypeScript's library does not have yet. */
interface TextInfo {
  getTextInfo?: () => { direction: 'ltr' | 'rtl' }
}

/** In which direction people read an interface in this language. */
export function directionOf(language: string): 'ltr' | 'rtl' {
  const locale: Intl.Locale & TextInfo = new Intl.Locale(language).maximize()
  const told = locale.getTextInfo?.().direction
  return told ?? (RIGHT_TO_LEFT.has(locale.language) ? 'rtl' : 'ltr')
}
