/** Scripts that run from right to left, of those that languages are written in today (ISO 15924). */
const RIGHT_TO_LEFT = new Set(['Adlm', 'Arab', 'Hebr', 'Mand', 'Nkoo', 'Rohg', 'Syrc', 'Thaa'])

/** In which direction people read an interface in this language. */
export function directionOf(language: string): 'ltr' | 'rtl' {
  // The likely script of the language, where it names none. Intl's own getTextInfo is not in every browser.
  const { script = '' } = new Intl.Locale(language).maximize()
  return RIGHT_TO_LEFT.has(script) ? 'rtl' : 'ltr'
}
