/** Bundlers replace the expression below, and elsewhere `process` may not exist. */
declare const process: { env: { NODE_ENV?: string } }

const warned = new Set<string>()

/** Logs a warning once, in development. */
export function warnOnce(message: string): void {
  if (!isDevelopment() || warned.has(message)) return
  warned.add(message)
  // biome-ignore lint/suspicious/noConsole: for the developer of the app.
  console.warn(message)
}

function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    return false
  }
}
