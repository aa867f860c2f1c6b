import path from 'node:path'
import { docker } from './docker.ts'

const folder = path.join(import.meta.dirname, '../../docker')

export interface StackOptions {
  /** The project name, which separates its containers and volumes from others. */
  project: string
  port: number
  /** Files in the folder `docker`. Default: compose.yaml. */
  files?: readonly string[]
  /** Variables for the files, such as SOTTO_SECRETS. */
  env?: Record<string, string>
}

/** A stack from `docker/`. Its disposal removes everything, including data. */
export interface Stack extends AsyncDisposable {
  readonly url: string
  compose(...args: string[]): Promise<string>
  /** Starts stopped services and waits until all are healthy. */
  up(...args: string[]): Promise<void>
  /** The ids of a service's containers. */
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
  // An earlier run may have been interrupted.
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
