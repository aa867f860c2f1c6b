/** An invalid setting. The message is one line that starts with the variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
