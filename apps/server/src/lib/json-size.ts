/** Strings shorter than this count one byte per character, because measuring them exactly costs too much. */
const MIN_MEASURED_LENGTH = 256
/** The approximate size of a number, a Date or a key, including punctuation. */
const VALUE_BYTES = 16

/** The approximate size of plain data as JSON, in bytes. Long strings are measured exactly. */
export function jsonSizeOf(value: unknown): number {
  if (typeof value === 'string') {
    return (
      VALUE_BYTES +
      (value.length < MIN_MEASURED_LENGTH ? value.length : Buffer.byteLength(JSON.stringify(value)))
    )
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return VALUE_BYTES
  let bytes = VALUE_BYTES
  for (const key in value) bytes += jsonSizeOf(value[key as keyof typeof value])
  return bytes
}
