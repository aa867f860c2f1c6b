import type { Readable, Writable } from 'node:stream'

/** What a command reads and writes: the process's own in `main.ts`, streams in memory in tests. */
export interface Io {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
}
