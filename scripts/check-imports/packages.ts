import type { Import } from './parse.ts'

interface PackageRule {
  /** Packages of this workspace that it may import. */
  workspace: readonly string[]
  /** If set, the only other packages it may import, including Node's built-in modules. */
  external?: readonly string[]
  /** Packages it may only import with `import type`, which leaves no import at run time. */
  types?: readonly string[]
}

/** A package that is not listed may import anything. */
const packageRules: Record<string, PackageRule> = {
  'packages/contract': { workspace: [], external: ['validator', 'zod'], types: ['@trpc/server'] },
  'packages/db': { workspace: ['@sotto/contract'] },
  'packages/sdk': {
    workspace: ['@sotto/contract'],
    external: ['@trpc/client', '@trpc/server', 'zod'],
  },
  'packages/react': { workspace: ['@sotto/sdk'], external: ['react'] },
  'packages/testing': { workspace: ['@sotto/sdk', '@sotto/server'] },
  'apps/server': { workspace: ['@sotto/contract', '@sotto/db'] },
  'apps/web': { workspace: ['@sotto/react', '@sotto/sdk'] },
}

/** Returns why a package must not import this, or undefined if it may. */
export function packageProblem(home: string, { specifier, typeOnly }: Import): string | undefined {
  const rule = packageRules[home]
  if (!rule) return undefined
  const name = packageName(specifier)
  if (typeOnly && rule.types?.includes(name)) return undefined
  if (name.startsWith('@sotto/')) {
    return rule.workspace.includes(name) ? undefined : `${home} must not import ${name} (packageRules)`
  }
  if (!rule.external || rule.external.includes(name)) return undefined
  return rule.types?.includes(name)
    ? `${home} must import ${name} with import type (packageRules)`
    : `${home} must not import ${specifier} (packageRules)`
}

/**
 * The package of a specifier: `@trpc/server` for `@trpc/server/rpc`, `zod` for `zod/v4`, `node:fs` for
 * `node:fs/promises`.
 */
function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
