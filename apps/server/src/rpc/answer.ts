import type { SottoError } from '@sotto/contract'
import { toSottoError } from '../lib/errors.ts'
import { toErrorShape } from './error-shape.ts'

/** The output of a call as superjson. */
export interface Output {
  /** Undefined for an output of undefined. */
  json: string | undefined
  /** The paths of the Dates in it. */
  dates: readonly string[]
}

/** The answer to one call. */
export type Answer = { output: Output } | { error: SottoError; shape: string }

export function answerWithError(error: unknown, requestId: string): Answer & { error: SottoError } {
  return { error: toSottoError(error), shape: JSON.stringify(toErrorShape(error, requestId)) }
}

export function errorsIn(answers: readonly Answer[]): SottoError[] {
  return answers.flatMap((answer) => ('error' in answer ? answer.error : []))
}

/** The status of a response; 207 if its answers have different ones. */
export function statusOf(answers: readonly Answer[]): number {
  const statuses = new Set(answers.map((answer) => ('error' in answer ? answer.error.status : 200)))
  const [status = 200] = statuses
  return statuses.size > 1 ? 207 : status
}

/** The body of a response with one answer. */
export function bodyOf(answer: Answer): string {
  if ('error' in answer) return `{"error":{"json":${answer.shape}}}`
  const { json = 'null', dates } = answer.output
  const annotations = answer.output.json === undefined ? '["undefined"]' : annotate(dates, '')
  return `{"result":{"data":{"json":${json}${metaOf(annotations)}}}}`
}

/** The body of a response to a batch. */
export function batchBodyOf(answers: readonly Answer[]): string {
  return `[${answers.map(bodyOf).join(',')}]`
}

/*
 * The lines that tRPC's `httpBatchStreamLink` reads. The first has a placeholder for each call, which refers to a later
 * line by its number. There is one line per answer: [number, 0 (success), [[value]]].
 */

export function headLine(calls: number): string {
  const placeholders = Array.from({ length: calls }, (_, index) => `"${index}":[[0],[null,0,${index}]]`)
  return `{"json":{${placeholders.join(',')}}}\n`
}

/** The path of an output in the line of its answer. */
const OUTPUT_IN_LINE = '2.0.0.result.data.'

export function answerLine(answer: Answer, index: number): string {
  if ('error' in answer) return `{"json":[${index},0,[[{"error":${answer.shape}}]]]}\n`
  const { json, dates } = answer.output
  const result = json === undefined ? '{}' : `{"data":${json}}`
  return `{"json":[${index},0,[[{"result":${result}}]]]${metaOf(annotate(dates, OUTPUT_IN_LINE))}}\n`
}

function annotate(dates: readonly string[], prefix: string): string | undefined {
  if (dates.length === 0) return undefined
  return `{${dates.map((path) => `"${prefix}${path}":["Date"]`).join(',')}}`
}

function metaOf(values: string | undefined): string {
  return values === undefined ? '' : `,"meta":{"values":${values},"v":1}`
}
