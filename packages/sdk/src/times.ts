/** JSON of the server with times as dates: every field of the contract that is called `at` or `…At` is one. */
export function parseWithTimes(json: string): unknown {
  return JSON.parse(json, (key, value) =>
    typeof value === 'string' && (key === 'at' || key.endsWith('At')) ? new Date(value) : value,
  )
}
