import type { SottoClient } from '@sotto/sdk'

/** The longest page that the server answers. */
const PAGE = 200

/** Has the browser keep everything that there is of a user in a file, one line of JSON for each part. */
export async function downloadUserData(sotto: SottoClient, user: string, username: string): Promise<void> {
  const lines: string[] = []
  for await (const line of sotto.users.export({ user, limit: PAGE })) lines.push(`${JSON.stringify(line)}\n`)
  const url = URL.createObjectURL(new Blob(lines, { type: 'application/x-ndjson' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${username}.jsonl`
  link.click()
  // The browser has begun to read it by the next turn.
  setTimeout(() => URL.revokeObjectURL(url))
}
