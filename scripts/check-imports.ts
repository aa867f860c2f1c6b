import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

/** What one package may import. A package that is not listed may import anything. */
interface PackageRule {
  /** Packages of this workspace that it may use. */
  workspace: readonly string[]
  /** Where given, the only packages from outside, Node's own modules included. */
  external?: readonly string[]
  /** Packages that it may use for their types, which leave no trace at run time. */
  types?: readonly string[]
}

const packageRules: Record<string, PackageRule> = {
  'packages/contract': { workspace: [], external: ['zod'], types: ['@trpc/server'] },
  'packages/db': { workspace: ['@sotto/contract'] },
  'packages/sdk': {
    workspace: ['@sotto/contract'],
    external: ['@trpc/client', '@trpc/server', 'superjson', 'zod'],
  },
  'packages/react': { workspace: ['@sotto/sdk'], external: ['react'] },
  'packages/testing': { workspace: ['@sotto/sdk', '@sotto/server'] },
  'apps/server': { workspace: ['@sotto/contract', '@sotto/db'] },
  'apps/web': { workspace: ['@sotto/react', '@sotto/sdk'] },
}

/** Which folders of the server a folder of the server must not know. */
const serverRules: Record<string, readonly string[]> = {
  identity: ['rpc', 'http'],
  messaging: ['rpc', 'http'],
  people: ['rpc', 'http'],
  privacy: ['rpc', 'http'],
  jobs: ['rpc', 'http', 'messaging', 'people', 'identity', 'privacy', 'realtime'],
  realtime: ['rpc', 'http'],
  limits: ['rpc', 'http'],
  webhooks: ['rpc', 'http'],
  statistics: ['rpc', 'http'],
  inspection: ['rpc', 'http'],
  metrics: ['rpc', 'http'],
  telemetry: ['rpc', 'http'],
  rpc: ['http'],
}

const serverSource = 'apps/server/src'
/** The command line and the package's entry; everything else is given its settings. */
const configReaders = ['cli', 'index.ts', 'server.ts']

interface ImportSite {
  specifier: string
  typeOnly: boolean
  start: number
}

/**
 * Says what in one source file points the wrong way, as `file:line: reason` lines, empty when all is well.
 *
 * @param file path from the repository's root, with forward slashes
 */
export function checkSource(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source)
  // The type check explains a syntax error better; here it only must not pass as "nothing imported".
  if (errors[0]) return [`${file}:1: does not parse: ${errors[0].message}`]

  const sites: ImportSite[] = []
  const dialectTests: number[] = []
  new Visitor({
    ImportDeclaration(node) {
      sites.push({ specifier: node.source.value, typeOnly: node.importKind === 'type', start: node.start })
    },
    ExportNamedDeclaration(node) {
      if (!node.source) return
      sites.push({ specifier: node.source.value, typeOnly: node.exportKind === 'type', start: node.start })
    },
    ExportAllDeclaration(node) {
      sites.push({ specifier: node.source.value, typeOnly: node.exportKind === 'type', start: node.start })
    },
    ImportExpression(node) {
      // A specifier that is only known at run time is not for this check.
      if (node.source.type !== 'Literal' || typeof node.source.value !== 'string') return
      sites.push({ specifier: node.source.value, typeOnly: false, start: node.start })
    },
    TSImportType(node) {
      sites.push({ specifier: node.source.value, typeOnly: true, start: node.start })
    },
    BinaryExpression(node) {
      if (!/^[!=]==?$/.test(node.operator)) return
      if (isNamedDialect(node.left) || isNamedDialect(node.right)) dialectTests.push(node.start)
    },
    SwitchStatement(node) {
      if (isNamedDialect(node.discriminant)) dialectTests.push(node.start)
    },
  }).visit(program)

  const problems = sites.flatMap((site) => {
    const reason = refusal(file, site)
    return reason ? [{ start: site.start, reason }] : []
  })
  if (packageOf(file) !== 'packages/db') {
    const reason = 'asks which dialect it runs on; what differs between dialects belongs in packages/db'
    problems.push(...dialectTests.map((start) => ({ start, reason })))
  }
  return problems.map(
    ({ start, reason }) => `${file}:${source.slice(0, start).split('\n').length}: ${reason}`,
  )
}

function refusal(file: string, { specifier, typeOnly }: ImportSite): string | undefined {
  const home = packageOf(file)
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier)
    if (packageOf(target) !== home) return `${specifier} leaves the package; import it by its name`
    return serverRefusal(file, target, typeOnly)
  }
  const rule = packageRules[home]
  if (!rule) return undefined
  const name = packageName(specifier)
  if (typeOnly && rule.types?.includes(name)) return undefined
  if (name.startsWith('@sotto/')) {
    return rule.workspace.includes(name) ? undefined : `${home} must not import ${name}`
  }
  if (!rule.external || rule.external.includes(name)) return undefined
  return rule.types?.includes(name)
    ? `${home} may import ${name} for types only (import type)`
    : `${home} must not import ${specifier}`
}

function serverRefusal(file: string, target: string, typeOnly: boolean): string | undefined {
  if (!file.startsWith(`${serverSource}/`) || !target.startsWith(`${serverSource}/`)) return undefined
  const from = file.slice(serverSource.length + 1)
  const to = target.slice(serverSource.length + 1)
  const fromRoom = from.split('/')[0] ?? ''
  const toRoom = to.split('/')[0] ?? ''
  if (serverRules[fromRoom]?.includes(toRoom)) return `${fromRoom}/ must not import ${toRoom}/`
  if (to === 'config.ts' && !typeOnly && !configReaders.includes(fromRoom)) {
    return `only ${configReaders.join(', ')} read the configuration; take what you need as an argument`
  }
  return undefined
}

/** `packages/db` of `packages/db/src/index.ts`. */
function packageOf(file: string): string {
  return file.split('/').slice(0, 2).join('/')
}

/** `@trpc/server` of `@trpc/server/rpc`, `zod` of `zod/v4`, `node:fs` of `node:fs/promises`. */
function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

interface Named {
  type: string
  name?: unknown
  property?: { name?: unknown } | object
}

function isNamedDialect(node: Named): boolean {
  if (node.type === 'Identifier') return node.name === 'dialect'
  return Boolean(node.property && 'name' in node.property && node.property.name === 'dialect')
}

if (import.meta.main) {
  const root = path.join(import.meta.dirname, '..')
  const problems: string[] = []
  let files = 0
  for await (const found of glob('{apps,packages}/*/src/**/*.{ts,tsx}', { cwd: root })) {
    files += 1
    const file = found.split(path.sep).join('/')
    problems.push(...checkSource(file, readFileSync(path.join(root, file), 'utf8')))
  }
  for (const problem of problems.sort()) console.error(problem)
  console.log(`${files} source files, ${problems.length} imports or dialect tests in the wrong place`)
  if (problems.length > 0) process.exitCode = 1
}
