/** A command that cannot do what it was asked for. The message is one line for whoever typed it. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
