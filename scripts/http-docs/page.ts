import { readFileSync } from 'node:fs'
import path from 'node:path'
import { errorCatalogue } from '@sotto/contract'
import { callers, documentOperation, type Operation, operations } from './operation.ts'

/**
 * The text of docs/http.md: the template with its placeholders filled in from the contract.
 *
 * The template sets the order, so that the samples can run from top to bottom.
 *
 * Operations missing from the template are added at the end.
 *
 * @throws {Error} if the template documents an operation twice.
 */
export function httpDocs(): string {
  const template = readFileSync(path.join(import.meta.dirname, 'template.md'), 'utf8')
  const order: Operation[] = []
  const page = template.replaceAll(
    /\{\{(\w+)(?: ([\w.]+))?\}\}/g,
    (placeholder, what: string, name: string) => {
      if (what === 'index') return placeholder
      if (what === 'errors') return errorTable()
      const operation = operations.find((candidate) => candidate.name === name)
      if (!operation) throw new Error(`template.md: unknown operation in ${placeholder}`)
      if (what === 'link') return linkTo(operation)
      if (what !== 'operation') throw new Error(`template.md: unknown placeholder ${placeholder}`)
      order.push(operation)
      return documentOperation(operation)
    },
  )
  const twice = order.find((operation, index) => order.indexOf(operation) !== index)
  if (twice) throw new Error(`template.md has {{operation ${twice.name}}} more than once`)
  const others = operations.filter((operation) => !order.includes(operation)).map(documentOperation)
  const whole =
    others.length === 0 ? page : [page.trimEnd(), '## More operations', ...others, ''].join('\n\n')
  return whole.replace('{{index}}', () => indexTable())
}

function indexTable(): string {
  const rows = operations.map((operation) => {
    const { access, http } = operation.entry
    return `| ${linkTo(operation)} | \`${http.method} ${http.path}\` | ${callers[access]} |`
  })
  return ['| operation | request | access |', '|---|---|---|', ...rows].join('\n')
}

function linkTo({ entry }: Operation): string {
  return `[${entry.summary}](#${anchorOf(entry.summary)})`
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')
}

function errorTable(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, title, retryable }]) =>
      `| \`${code}\` | ${status} | ${title} | ${retryable ? 'yes' : ''} |`,
  )
  return ['| code | status | meaning | retryable |', '|---|---|---|---|', ...rows].join('\n')
}
