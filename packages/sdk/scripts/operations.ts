import type { Procedure } from '@sotto/contract'
import { contract } from '@sotto/contract'
import { z } from 'zod'

/** Of the formatter. */
const LINE_WIDTH = 110

/** Returns the source of `src/operations.ts`, generated from the contract. */
export function operationsSource(): string {
  const types: string[] = []
  const table: string[] = []
  for (const [resource, procedures] of Object.entries<Record<string, Procedure>>(contract)) {
    const calls = Object.entries(procedures).filter(([, { kind }]) => kind !== 'subscription')
    types.push(`  ${resource}: {`)
    for (const [name, procedure] of calls) {
      types.push(...comment(procedure), `    ${name}: Contract['${resource}']['${name}']`)
    }
    types.push('  }')
    const groups = ['list', 'query', 'idempotent', 'other'].map((group) =>
      calls.filter(([, procedure]) => groupOf(procedure) === group).map(([name]) => name),
    )
    table.push(...tableRow(resource, groups))
  }
  return [
    '// Generated from the contract by `pnpm --filter @sotto/sdk generate`. A test checks that it is current.',
    "import type { Contract } from '@sotto/contract'",
    '',
    '/** Every operation except subscriptions, which are handled separately. */',
    'export interface Operations {',
    ...types,
    '}',
    '',
    '/** The names of the lists, of the other queries, of the idempotent mutations and of the other mutations. */',
    'export const operationNames: Readonly<Record<keyof Operations, readonly string[]>> = {',
    ...table,
    '}',
    '',
  ].join('\n')
}

/** In the formatter's layout. */
function tableRow(resource: string, groups: readonly (readonly string[])[]): string[] {
  const literals = groups.map((names) => `'${names.join(' ')}'`)
  const line = `  ${resource}: [${literals.join(', ')}],`
  if (line.length <= LINE_WIDTH) return [line]
  return [`  ${resource}: [`, ...literals.map((literal) => `    ${literal},`), '  ],']
}

function comment({ summary, description, http, errors }: Procedure): string[] {
  const text = [`${summary}.`, ...(description ? ['', ...wrap(description)] : [])]
  text.push('', `REST: \`${http.method} ${http.path}\``)
  // The errors that every operation can have are in the documentation of SottoClient.
  if (errors.length > 0) text.push('', ...wrap(`@throws {SottoError} ${errors.join(', ')}`))
  return ['    /**', ...text.map((line) => (line ? `     * ${line}` : '     *')), '     */']
}

function wrap(text: string): string[] {
  const lines = ['']
  for (const word of text.replaceAll('*/', '* /').split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length > 100) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}

function groupOf(procedure: Procedure): 'list' | 'query' | 'idempotent' | 'other' {
  if (procedure.kind === 'query') return isList(procedure) ? 'list' : 'query'
  return procedure.idempotent ? 'idempotent' : 'other'
}

function isList({ output }: Procedure): boolean {
  return output instanceof z.ZodObject && 'items' in output.shape && 'nextCursor' in output.shape
}
