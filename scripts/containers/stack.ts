import path from 'node:path'
import { docker } from './docker.ts'

const composeFile = path.join(import.meta.dirname, '../../docker/compose.yaml')

export interface StackOptions {
  /** Its name: containers and volumes of others are left alone. */
  project: string
  port: number
  /** A folder of secrets, instead of those that the stack makes. */
  secrets?: string
}

/** The stack of docker/compose.yaml. Disposing of it takes everything away, its data too. */
export interface Stack extends AsyncDisposable {
  readonly url: string
  compose(...args: string[]): Promise<string>
  /** Starts what is not running, and waits until all of it is well. */
  up(...args: string[]): Promise<void>
  /** The containers of a service, by their ids. */
  containersOf(service: string): Promise<string[]>
}

export async function makeStack({ project, port, secrets }: StackOptions): Promise<Stack> {
  const env = { SOTTO_PORT: String(port), ...(secrets !== undefined && { SOTTO_SECRETS: secrets }) }
  function compose(...args: string[]): Promise<string> {
    return docker(['compose', '--project-name', project, '--file', composeFile, ...args], env)
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
