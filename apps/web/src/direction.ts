/** The right-to-left scripts in use today (ISO 15924). */
const RIGHT_TO_LEFT = new Set(['Adlm', 'Arab', 'Hebr', 'Mand', 'Nkoo', 'Rohg', 'Syrc', 'Thaa'])

/** The text direction of a language. */
export function directionOf(language: string): 'ltr' | 'rtl' {
  // maximize() adds the likely script. Intl.Locale's getTextInfo() is not supported by every browser.
  const { script = '' } = new Intl.Locale(language).maximize()
  return RIGHT_TO_LEFT.has(script) ? 'rtl' : 'ltr'
}
