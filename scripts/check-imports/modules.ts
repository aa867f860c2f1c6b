import { moduleRules } from './module-rules.ts'

/** An import within a package; paths are from its `src`. */
export interface ModuleImport {
  home: string
  from: string
  to: string
}

/** Returns why a file must not import this file of its package, or undefined if it may. */
export function moduleProblem({ home, from, to }: ModuleImport): string | undefined {
  const rules = moduleRules[home]
  if (!rules || isEntry(rules, from)) return undefined
  const importing = moduleOf(rules, from)
  const imported = moduleOf(rules, to)
  if (imported === importing || rules[importing]?.includes(imported)) return undefined
  return `${importing} must not import ${imported} (moduleRules of ${home})`
}

/** Returns the permissions that no import uses, given all imports of the repository. Keeps the lists minimal. */
export function unusedModulePermissions(imports: readonly ModuleImport[]): string[] {
  return Object.entries(moduleRules).flatMap(([home, rules]) => {
    const used = new Set(
      imports
        .filter((site) => site.home === home)
        .map(({ from, to }) => `${moduleOf(rules, from)} > ${moduleOf(rules, to)}`),
    )
    return Object.entries(rules).flatMap(([importing, allowed]) =>
      allowed
        .filter((imported) => !used.has(`${importing} > ${imported}`))
        .map(
          (imported) =>
            `${home}: ${importing} does not import ${imported} (moduleRules): remove the permission`,
        ),
    )
  })
}

type Rules = Readonly<Record<string, readonly string[]>>

/** The first folder, unless the file is listed as its own module. */
function moduleOf(rules: Rules, file: string): string {
  return file in rules ? file : (file.split('/')[0] ?? file)
}

/** A file directly in `src`, such as the package's entry, may import any module. */
function isEntry(rules: Rules, file: string): boolean {
  return !file.includes('/') && !(file in rules)
}
