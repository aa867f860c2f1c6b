import path from 'node:path'
import { findCycles, type ImportCycle, type ImportGraph } from './cycles.ts'
import { type ModuleImport, moduleProblem, unusedModulePermissions } from './modules.ts'
import { packageProblem } from './packages.ts'
import type { Import, ParsedFile } from './parse.ts'

const config = 'apps/server/src/settings/config.ts'
/** The command line and the package's entry. Everything else receives settings as arguments. */
const configReaders = ['apps/server/src/cli/', 'apps/server/src/index.ts']

/** Violations in these files, as `file:line: reason`. */
export function checkFiles(files: readonly ParsedFile[]): string[] {
  return [...files.flatMap(checkFile), ...findCycles(graphOf(files)).map(describeCycle)]
}

/** Permissions that no import uses, given all files of the repository. Unused permissions would allow too much. */
export function unusedPermissions(files: readonly ParsedFile[]): string[] {
  const moduleImports = files.flatMap(({ file, imports }) =>
    imports.flatMap((found) => moduleImport(file, found) ?? []),
  )
  const unusedReaders = configReaders.filter(
    (reader) =>
      !files.some(({ file, imports }) => file.startsWith(reader) && imports.some(readsConfig(file))),
  )
  return [
    ...unusedModulePermissions(moduleImports),
    ...unusedReaders.map(
      (reader) => `${reader} does not import ${config} (configReaders): remove the permission`,
    ),
  ]
}

function checkFile({ file, imports, dialectTests, syntaxError }: ParsedFile): string[] {
  if (syntaxError !== undefined) return [`${file}:1: does not parse: ${syntaxError}`]
  const home = packageOf(file)
  if (!file.startsWith(`${home}/src/`)) return []
  const problems = imports.flatMap((found) => {
    const problem = importProblem(file, found)
    return problem === undefined ? [] : [`${file}:${found.line}: ${problem}`]
  })
  if (home === 'packages/db') return problems
  return problems.concat(
    dialectTests.map((line) => `${file}:${line}: only packages/db may depend on the dialect`),
  )
}

function importProblem(file: string, found: Import): string | undefined {
  const home = packageOf(file)
  if (!isRelative(found)) return packageProblem(home, found)
  if (packageOf(targetOf(file, found)) !== home) {
    return `${found.specifier} leaves the package; import it by its name`
  }
  if (readsConfig(file)(found) && !configReaders.some((reader) => file.startsWith(reader))) {
    return `only ${configReaders.join(' and ')} may import the configuration (configReaders)`
  }
  const within = moduleImport(file, found)
  return within && moduleProblem(within)
}

function readsConfig(file: string): (found: Import) => boolean {
  return (found) => !found.typeOnly && isRelative(found) && targetOf(file, found) === config
}

function moduleImport(file: string, found: Import): ModuleImport | undefined {
  const home = packageOf(file)
  const sources = `${home}/src/`
  const target = targetOf(file, found)
  if (!isRelative(found) || !file.startsWith(sources) || !target.startsWith(sources)) return undefined
  return { home, from: file.slice(sources.length), to: target.slice(sources.length) }
}

function graphOf(files: readonly ParsedFile[]): ImportGraph {
  return new Map(
    files.map(({ file, imports }) => [
      file,
      imports.filter(isRelative).map((found) => targetOf(file, found)),
    ]),
  )
}

function describeCycle({ files, shortest }: ImportCycle): string {
  const [first = ''] = shortest
  const path = [...shortest, first].join('\n    -> ')
  return `${first}: import cycle of ${files.length} files, type imports included; the shortest path:\n       ${path}`
}

function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith('.')
}

function targetOf(file: string, { specifier }: Import): string {
  return path.posix.join(path.posix.dirname(file), specifier)
}

/** The package of a file, such as `packages/db` for `packages/db/src/index.ts`. */
function packageOf(file: string): string {
  return file.split('/').slice(0, 2).join('/')
}
