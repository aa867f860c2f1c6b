/** An export, import or backup failed. The message is one line for the operator. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
}
