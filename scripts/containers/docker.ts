import { execFile } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

/** The command that runs Docker. DOCKER may contain a command with arguments. */
const [program = 'docker', ...programArgs] = (process.env.DOCKER ?? 'docker').split(' ')

const HEALTHY_WITHIN_MS = 120_000
const POLL_INTERVAL_MS = 200

/**
 * Runs a Docker command.
 *
 * @returns its output without the final newline.
 * @throws with all output if it fails.
 */
export async function docker(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, [...programArgs, ...args], {
      env: { ...process.env, ...env },
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout.trimEnd()
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`docker ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** The result of `docker inspect` in this format. */
export function inspect(name: string, format: string): Promise<string> {
  return docker(['inspect', '--format', format, name])
}

/** Waits until a container is healthy. @throws after two minutes. */
export async function untilHealthy(container: string): Promise<void> {
  const deadline = performance.now() + HEALTHY_WITHIN_MS
  while ((await inspect(container, '{{.State.Health.Status}}')) !== 'healthy') {
    if (performance.now() > deadline) throw new Error(`${container} did not become healthy`)
    await wait(POLL_INTERVAL_MS)
  }
}

/** Waits for the service key that a container's first start prints. */
export async function printedKey(container: string): Promise<string> {
  for (;;) {
    const [, key] = /Service key +(sk_\S+)/.exec(await docker(['logs', container])) ?? []
    if (key !== undefined) return key
    await wait(POLL_INTERVAL_MS)
  }
}
