/** An export, import or backup that cannot go on. The message is one line for whoever asked for it. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
}
