import { checkPackage, createPackageFromTarballData, type Package } from '@arethetypeswrong/core'
import { parseSync, Visitor } from 'oxc-parser'
import { publint } from 'publint'
import { publishedNames } from './pack.ts'

/** ESM only: `require` works if require(esm) is supported, and node10 does not support `exports`. */
const BY_DESIGN = ['CJSResolvesToESM', 'NoResolution']

interface Manifest {
  name: string
  version: string
  bin?: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/**
 * Returns the problems of a packed package: entry points that some module resolution does not find, undeclared
 * dependencies, and references to the workspace. Empty if there are none.
 */
export async function packageProblems(tarball: Buffer): Promise<string[]> {
  // publint requires an ArrayBuffer, and a Buffer is only a view of one.
  const { buffer, byteOffset, byteLength } = tarball
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  const { messages } = await publint({ pack: { tarball: bytes }, strict: true })
  const problems = messages.map(({ code, path }) => `publint: ${code} at ${path.join('.')}`)

  const content = createPackageFromTarballData(tarball)
  const analysis = await checkPackage(content)
  if (!analysis.types) problems.push('the package has no types')
  else {
    for (const { kind } of analysis.problems) {
      if (!BY_DESIGN.includes(kind)) problems.push(`types: ${kind}`)
    }
  }
  return [...problems, ...contentProblems(content)]
}

function contentProblems(content: Package): string[] {
  const home = `/node_modules/${content.packageName}/`
  const text = content.readFile(`${home}package.json`)
  const manifest: Manifest = JSON.parse(text)
  const allowed = { ...manifest.dependencies, ...manifest.peerDependencies }
  const problems: string[] = []
  if (/"(workspace|catalog):/.test(text)) problems.push('package.json refers to the workspace')
  for (const name of publishedNames) {
    const version = allowed[name]
    if (version && version !== manifest.version)
      problems.push(`the version of ${name} is ${version}, not ${manifest.version}`)
  }
  for (const file of ['LICENSE', 'README.md', ...Object.values(manifest.bin ?? {})]) {
    if (!content.fileExists(home + file.replace('./', ''))) problems.push(`${file} is missing`)
  }
  const imported = new Set<string>()
  for (const file of content.listFiles()) {
    if (!/\.(js|ts)$/.test(file)) continue
    for (const name of importedPackages(file, content.readFile(file))) imported.add(name)
  }
  for (const name of imported) {
    if (!Object.hasOwn(allowed, name)) problems.push(`${name} is imported but not a dependency`)
  }
  return problems
}

/** The packages that a module imports, without Node's built-in modules. */
function importedPackages(file: string, source: string): string[] {
  const specifiers: string[] = []
  new Visitor({
    ImportDeclaration: (node) => void specifiers.push(node.source.value),
    ExportNamedDeclaration: (node) => void (node.source && specifiers.push(node.source.value)),
    ExportAllDeclaration: (node) => void specifiers.push(node.source.value),
    ImportExpression: ({ source }) =>
      void (source.type === 'Literal' && typeof source.value === 'string' && specifiers.push(source.value)),
    TSImportType: (node) => void specifiers.push(node.source.value),
  }).visit(parseSync(file, source).program)
  return specifiers
    .filter((specifier) => !/^(\.|#|node:)/.test(specifier))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
}
