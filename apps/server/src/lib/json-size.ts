/** Shorter texts are taken for as long as they look: counting what each character becomes would cost more. */
const SHORT = 256
/** Of a number, a Date, a name and whatever stands around them, about as many bytes. */
const VALUE_BYTES = 16

/** About how many bytes of JSON plain data becomes: its long texts to the byte, the rest as it mostly is. */
export function jsonSizeOf(value: unknown): number {
  if (typeof value === 'string') {
    return VALUE_BYTES + (value.length < SHORT ? value.length : Buffer.byteLength(JSON.stringify(value)))
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return VALUE_BYTES
  let bytes = VALUE_BYTES
  for (const key in value) bytes += jsonSizeOf(value[key as keyof typeof value])
  return bytes
}
