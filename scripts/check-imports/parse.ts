import { parseSync, Visitor } from 'oxc-parser'

export interface Import {
  specifier: string
  typeOnly: boolean
  line: number
}

export interface ParsedFile {
  /** Relative to the root of the repository, with forward slashes. */
  file: string
  imports: Import[]
  /** The lines that compare or switch on a `dialect`. */
  dialectTests: number[]
  syntaxError: string | undefined
}

export function parse(file: string, source: string): ParsedFile {
  const parsed = parseSync(file, source)
  const found: ParsedFile = {
    file,
    imports: [],
    dialectTests: [],
    // Otherwise a file that does not parse would appear to have no imports.
    syntaxError: parsed.errors[0]?.message,
  }
  function addImport(specifier: string, typeOnly: boolean, start: number): void {
    found.imports.push({ specifier, typeOnly, line: lineAt(source, start) })
  }
  function addStatement(specifier: string | undefined, start: number, end: number): void {
    if (specifier === undefined) return
    // Does not match `import { type A }`, which keeps the import at run time.
    addImport(specifier, /^(import|export)\s+type\b/.test(source.slice(start, end)), start)
  }
  for (const { moduleRequest, start, end } of parsed.module.staticImports) {
    addStatement(moduleRequest.value, start, end)
  }
  for (const { entries, start, end } of parsed.module.staticExports) {
    addStatement(entries.find((entry) => entry.moduleRequest)?.moduleRequest?.value, start, end)
  }
  // Reading `program` builds the syntax tree in JavaScript, which takes much longer than parsing. Few files need it.
  if (!/\bimport\s*\(|\bdialect\b/.test(source)) return found
  new Visitor({
    ImportExpression(node) {
      // A computed specifier is only known at run time.
      if (node.source.type !== 'Literal' || typeof node.source.value !== 'string') return
      addImport(node.source.value, false, node.start)
    },
    TSImportType(node) {
      addImport(node.source.value, true, node.start)
    },
    BinaryExpression(node) {
      if (!/^[!=]==?$/.test(node.operator)) return
      if (isDialect(node.left) || isDialect(node.right)) found.dialectTests.push(lineAt(source, node.start))
    },
    SwitchStatement(node) {
      if (isDialect(node.discriminant)) found.dialectTests.push(lineAt(source, node.start))
    },
  }).visit(parsed.program)
  return found
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}

interface Named {
  type: string
  name?: unknown
  property?: { name?: unknown } | object
}

/** `dialect` itself, or a property of that name. */
function isDialect(node: Named): boolean {
  if (node.type === 'Identifier') return node.name === 'dialect'
  return Boolean(node.property && 'name' in node.property && node.property.name === 'dialect')
}
