import type { RequestState } from './use-request.ts'

/** What the server says is wrong with which field of a request; empty where it has taken it. */
export function issuesOf(attempt: RequestState | undefined): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const { answer, isPending } = attempt ?? {}
  if (!answer || isPending || !answer.headers.get('content-type')?.includes('problem+json')) return found
  const { issues = [] } = JSON.parse(answer.text) as { issues?: { path: string; message: string }[] }
  for (const { path, message } of issues) found.set(path, [...(found.get(path) ?? []), message])
  return found
}
