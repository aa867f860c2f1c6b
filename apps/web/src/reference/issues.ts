import type { RequestState } from './use-request.ts'

/** The validation issues of an error response, by path. */
export function issuesOf(request: RequestState | undefined): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const { response, isPending } = request ?? {}
  if (!response || isPending || !response.headers.get('content-type')?.includes('problem+json')) return found
  const { issues = [] } = JSON.parse(response.text) as { issues?: { path: string; message: string }[] }
  for (const { path, message } of issues) found.set(path, [...(found.get(path) ?? []), message])
  return found
}
