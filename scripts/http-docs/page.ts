import { readFileSync } from 'node:fs'
import path from 'node:path'
import { errorCatalogue } from '@sotto/contract'
import { callers, documentOperation, type Operation, operations } from './operation.ts'

/**
 * The text of docs/http.md: the template, with the contract in it.
 *
 * The template decides the order, so that the samples can be run from top to bottom.
 *
 * An operation that the template does not have comes at the end.
 *
 * @throws {Error} when the template has an operation twice.
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
      if (what !== 'operation' || !operation) throw new Error(`template.md: ${placeholder} names nothing`)
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
  const rows = operations.map(({ entry }) => {
    const { method, path: route } = entry.http
    return `| [${entry.summary}](#${anchorOf(entry.summary)}) | \`${method} ${route}\` | ${callers[entry.access]} |`
  })
  return ['| operation | request | who may call it |', '|---|---|---|', ...rows].join('\n')
}

/** As GitHub makes it of a heading. */
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
  return ['| code | status | meaning | repeat later |', '|---|---|---|---|', ...rows].join('\n')
}
