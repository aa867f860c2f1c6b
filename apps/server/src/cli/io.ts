import type { Readable, Writable } from 'node:stream'

/** The environment and standard streams of a command. Tests pass streams in memory. */
export interface Io {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  /**
   * Resolves with the name of a signal when `sotto start` must stop. Then the server does not wait for signals of this
   * process, logs to `stdout`, and does not end the process.
   */
  readonly stopSignal?: Promise<string>
}
