/** Parses the server's JSON. Fields called `at` or `…At` are times in the contract, and become dates. */
export function parseWithTimes(json: string): unknown {
  return JSON.parse(json, (key, value) =>
    typeof value === 'string' && (key === 'at' || key.endsWith('At')) ? new Date(value) : value,
  )
}
