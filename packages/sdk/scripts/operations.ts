import type { Procedure } from '@sotto/contract'
import { contract } from '@sotto/contract'
import { z } from 'zod'

/** Returns the source of `src/operations.ts`, generated from the contract. */
export function operationsSource(): string {
  const lines = [
    '// Generated from the contract by `pnpm --filter @sotto/sdk generate`. A test checks that it is current.',
    "import type { OperationsOf } from './operation.ts'",
    '',
    '/** What the client needs to know about each operation at run time, without the schemas. */',
    'export const operations = {',
  ]
  for (const [resource, procedures] of Object.entries<Record<string, Procedure>>(contract)) {
    lines.push(`  ${resource}: {`)
    for (const [name, procedure] of Object.entries(procedures)) {
      const { kind, idempotent } = procedure
      if (kind === 'subscription') continue
      lines.push(...comment(procedure))
      lines.push(`    ${name}: { kind: '${kind}', idempotent: ${idempotent}, list: ${isList(procedure)} },`)
    }
    lines.push('  },')
  }
  lines.push('} as const satisfies OperationsOf', '')
  return lines.join('\n')
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

function isList({ output }: Procedure): boolean {
  return output instanceof z.ZodObject && 'items' in output.shape && 'nextCursor' in output.shape
}
