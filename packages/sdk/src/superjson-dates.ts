/** Data in the format of superjson, which the server's tRPC endpoint speaks. */
export interface Annotated {
  json?: unknown
  meta?: { values?: unknown } | undefined
}

/**
 * Decodes the part of superjson that Sotto's servers send: plain data in which `meta.values` marks dates and undefined.
 * Ignores marks for objects that occur twice. Changes `json` in place.
 *
 * superjson itself would be a quarter of the client.
 *
 * @throws {TypeError} if the annotations have another form or do not match the data.
 * @see https://github.com/flightcontrolhq/superjson
 */
export function decodeSuperjson({ json, meta }: Annotated): unknown {
  const root: Record<string, unknown> = { json }
  const values = meta?.values
  if (Array.isArray(values)) decodeAt(root, ['json'], values)
  else if (values !== undefined) {
    for (const [path, type] of Object.entries(requireObject(values))) {
      decodeAt(root, ['json', ...keysOf(path)], type)
    }
  }
  return root.json
}

function decodeAt(root: Record<string, unknown>, path: readonly string[], type: unknown): void {
  let holder = root
  for (const key of path.slice(0, -1)) holder = requireObject(ownValue(holder, key))
  const key = path.at(-1) ?? ''
  holder[key] = decodeValue(ownValue(holder, key), type)
}

function decodeValue(value: unknown, type: unknown): Date | undefined {
  const name = Array.isArray(type) && type.length === 1 ? type[0] : type
  if (name === 'undefined') return undefined
  const date = new Date(name === 'Date' && typeof value === 'string' ? value : Number.NaN)
  if (Number.isNaN(date.getTime())) fail()
  return date
}

/** Splits a path at its dots. A backslash escapes dots and backslashes in keys. */
function keysOf(path: string): string[] {
  const keys: string[] = []
  let key = ''
  for (let index = 0; index < path.length; index++) {
    let character = path.charAt(index)
    if (character === '.') {
      keys.push(key)
      key = ''
      continue
    }
    if (character === '\\') {
      character = path.charAt(++index)
      if (character !== '\\' && character !== '.') fail()
    }
    key += character
  }
  return [...keys, key]
}

function ownValue(holder: Record<string, unknown>, key: string): unknown {
  if (!Object.hasOwn(holder, key)) fail()
  return holder[key]
}

function requireObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) fail()
  return value as Record<string, unknown>
}

function fail(): never {
  throw new TypeError('the response must be superjson with Date and undefined')
}
