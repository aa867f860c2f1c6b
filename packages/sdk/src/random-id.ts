/** Returns 128 random bits. Not `randomUUID`, which browsers do not offer to pages loaded over plain HTTP. */
export function randomId(): string {
  const { crypto } = globalThis as { crypto?: typeof globalThis.crypto }
  const bytes = new Uint8Array(16)
  // React Native has no `crypto`. Its ids only have to be unique.
  if (crypto) crypto.getRandomValues(bytes)
  else
    bytes.forEach((_, index) => {
      bytes[index] = Math.random() * 256
    })
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
