import { readFileSync } from 'node:fs'
import path from 'node:path'
import { errorCatalogue } from '@sotto/contract'
import { callers, documentOperation, type Operation, operations } from './operation.ts'

/**
 * The text of docs/http.md: the template, with the contract in it.
 *
 * The template decides the order, so that the samples can be run from top to bottom.
 *
 * @throws {Error} when an operation of the contract is not in the template, or twice.
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
  for (const operation of operations) {
    const times = order.filter((documented) => documented === operation).length
    if (times !== 1)
      throw new Error(`template.md has {{operation ${operation.name}}} ${times} times, not once`)
  }
  return page.replace('{{index}}', () => indexTable())
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
