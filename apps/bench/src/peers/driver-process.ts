import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Commands } from './driver.ts'

interface Response {
  id: number
  result?: unknown
  error?: string
}

/** The driver in its own process. Calls return what the commands return. */
export interface Driver extends AsyncDisposable {
  run<Name extends keyof Commands>(
    name: Name,
    ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>>
}

export function startDriver(): Driver {
  const child = fork(path.join(import.meta.dirname, 'driver.ts'), {
    // Infinity, for a message that has not arrived, has no JSON.
    serialization: 'advanced',
  })
  const pending = new Map<number, PromiseWithResolvers<unknown>>()
  let count = 0
  child.on('message', ({ id, result, error }: Response) => {
    const call = pending.get(id)
    pending.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(error))
  })
  child.once('exit', (code) => {
    for (const { reject } of pending.values()) reject(new Error(`the driver exited with ${code}`))
  })
  return {
    run(name, ...args) {
      const call = Promise.withResolvers<unknown>()
      const id = ++count
      pending.set(id, call)
      child.send({ id, name, args })
      return call.promise as Promise<Awaited<ReturnType<Commands[typeof name]>>>
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.disconnect()
      child.kill('SIGTERM')
      await exited
    },
  }
}
