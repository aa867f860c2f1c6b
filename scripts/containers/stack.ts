import path from 'node:path'
import { docker } from './docker.ts'

const folder = path.join(import.meta.dirname, '../../docker')

export interface StackOptions {
  /** Its name: containers and volumes of others are left alone. */
  project: string
  port: number
  /** In the folder docker; compose.yaml unless told otherwise. */
  files?: readonly string[]
  /** For what the files leave open, such as SOTTO_SECRETS. */
  env?: Record<string, string>
}

/** A stack of docker/. Disposing of it takes everything away, its data too. */
export interface Stack extends AsyncDisposable {
  readonly url: string
  compose(...args: string[]): Promise<string>
  /** Starts what is not running, and waits until all of it is well. */
  up(...args: string[]): Promise<void>
  /** The containers of a service, by their ids. */
  containersOf(service: string): Promise<string[]>
}

export async function makeStack({
  project,
  port,
  files = ['compose.yaml'],
  env = {},
}: StackOptions): Promise<Stack> {
  const base = [
    'compose',
    '--project-name',
    project,
    ...files.flatMap((file) => ['--file', path.join(folder, file)]),
  ]
  function compose(...args: string[]): Promise<string> {
    return docker([...base, ...args], { ...env, SOTTO_PORT: String(port) })
  }
  const down = () => compose('down', '--volumes', '--timeout', '5')
  // A run before this one may have been cut short.
  await down()
  return {
    url: `http://127.0.0.1:${port}`,
    compose,
    async up(...args) {
      await compose('up', '--detach', '--wait', ...args)
    },
    async containersOf(service) {
      return (await compose('ps', '--quiet', service)).split('\n').filter(Boolean)
    },
    async [Symbol.asyncDispose]() {
      await down()
    },
  }
}
