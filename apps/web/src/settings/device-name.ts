// In this order: Edge's user agent also contains "Chrome", and Chrome's also contains "Safari".
const BROWSERS = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|Chromium\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const
const SYSTEMS = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
] as const

/** A readable name for a user agent, such as `Firefox on Android`. Unknown user agents are returned unchanged. */
export function deviceName(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown device'
  const [, browser] = BROWSERS.find(([pattern]) => pattern.test(userAgent)) ?? []
  const [, system] = SYSTEMS.find(([pattern]) => pattern.test(userAgent)) ?? []
  if (browser && system) return `${browser} on ${system}`
  return browser ?? userAgent
}
