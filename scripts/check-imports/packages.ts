import type { Import } from './parse.ts'

interface PackageRule {
  /** The packages of this workspace that it may import. */
  workspace: readonly string[]
  /** If given, the only other packages that it may import, Node's own modules included. */
  external?: readonly string[]
  /** Packages that it may import with `import type`, which leaves nothing at run time. */
  types?: readonly string[]
}

/** A package that is not listed may import anything. */
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

/** Why a package must not import this, if it must not. */
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

/** `@trpc/server` of `@trpc/server/rpc`, `zod` of `zod/v4`, `node:fs` of `node:fs/promises`. */
function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
