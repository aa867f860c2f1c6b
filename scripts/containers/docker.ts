import { execFile } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

/** What starts Docker here: DOCKER may hold a command with arguments of its own. */
const [program = 'docker', ...programArgs] = (process.env.DOCKER ?? 'docker').split(' ')

const HEALTHY_WITHIN_MS = 120_000
const LOOK_EVERY_MS = 200

/**
 * Runs Docker until it ends.
 *
 * @returns what it printed, without the end of the last line.
 * @throws with all that it said.
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

/** What `docker inspect` says in this format. */
export function inspect(name: string, format: string): Promise<string> {
  return docker(['inspect', '--format', format, name])
}

/** @throws when it is not within two minutes. */
export async function untilHealthy(container: string): Promise<void> {
  const deadline = performance.now() + HEALTHY_WITHIN_MS
  while ((await inspect(container, '{{.State.Health.Status}}')) !== 'healthy') {
    if (performance.now() > deadline) throw new Error(`${container} did not get healthy`)
    await wait(LOOK_EVERY_MS)
  }
}

/** The service key that a container's first start prints. */
export async function printedKey(container: string): Promise<string> {
  for (;;) {
    const [, key] = /Service key +(sk_\S+)/.exec(await docker(['logs', container])) ?? []
    if (key !== undefined) return key
    await wait(LOOK_EVERY_MS)
  }
}
