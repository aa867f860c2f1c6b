import { parseSync, Visitor } from 'oxc-parser'

/** Names of properties and of global objects. */
export interface Apis {
  globals: ReadonlySet<string>
  properties: ReadonlySet<string>
}

/**
 * Evaluated in an environment: the names of its global objects, and of the properties of its classes, their prototypes
 * and instances.
 */
export const listApis = `(() => {
  const globals = Object.getOwnPropertyNames(globalThis)
  const properties = []
  for (const name of globals) {
    const value = globalThis[name]
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) continue
    // The objects of Node, such as process, have many names that are also used for other things.
    if (value === globalThis || /^[a-z]/.test(name)) continue
    properties.push(...Object.getOwnPropertyNames(value))
    for (let holder = value.prototype; holder; holder = Object.getPrototypeOf(holder)) {
      properties.push(...Object.getOwnPropertyNames(holder))
    }
  }
  properties.push('status', 'ok', 'statusText', 'headers', 'url', 'signal', 'method', 'type', 'readyState')
  return JSON.stringify({ globals, properties })
})()`

export function parseApis(json: unknown): Apis {
  const { globals, properties } = JSON.parse(String(json)) as Record<keyof Apis, string[]>
  return { globals: new Set(globals), properties: new Set(properties) }
}

/**
 * The names in a program that one environment gives a meaning and another one does not: of global objects, and, after a
 * dot, of properties. A program may use such a name for something of its own.
 */
export function namesMissing(program: string, { there, here }: { there: Apis; here: Apis }): string[] {
  const missing = new Set<string>()
  const { errors, program: tree } = parseSync('program.js', program)
  if (errors[0]) throw new SyntaxError(errors[0].message)
  new Visitor({
    Identifier({ name }) {
      if (there.globals.has(name) && !here.globals.has(name)) missing.add(name)
    },
    MemberExpression({ computed, property }) {
      if (computed || property.type !== 'Identifier') return
      const { name } = property
      if (there.properties.has(name) && !here.properties.has(name)) missing.add(`.${name}`)
    },
  }).visit(tree)
  return [...missing].sort()
}
