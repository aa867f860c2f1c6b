import type { SottoClient } from '@sotto/sdk'

/** The server's maximum page size. */
const PAGE_SIZE = 200

/** Downloads all data of a user as a file of JSON lines. */
export async function downloadUserData(sotto: SottoClient, user: string, username: string): Promise<void> {
  const lines: string[] = []
  for await (const line of sotto.users.export({ user, limit: PAGE_SIZE }))
    lines.push(`${JSON.stringify(line)}\n`)
  const url = URL.createObjectURL(new Blob(lines, { type: 'application/x-ndjson' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${username}.jsonl`
  link.click()
  // Only once the download has started.
  setTimeout(() => URL.revokeObjectURL(url))
}
