/** The Authorization header for a user's password. */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${base64(`${username}:${password}`)}`
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The base64 of a text in UTF-8, as RFC 7617 requires. React Native does not always have `btoa` and `TextEncoder`. */
function base64(text: string): string {
  const bytes = encodeURIComponent(text).match(/%..|./g) ?? []
  const bits = bytes
    .map((byte) => (byte.length > 1 ? Number.parseInt(byte.slice(1), 16) : byte.charCodeAt(0)))
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
  const digits = (bits.match(/.{1,6}/g) ?? []).map((six) => BASE64[Number.parseInt(six.padEnd(6, '0'), 2)])
  return digits.join('').padEnd(Math.ceil(bytes.length / 3) * 4, '=')
}
