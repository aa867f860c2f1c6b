const { BroadcastChannel } = globalThis

/** Makes the channels that are created from now on, until `restore`, stop like those of a frozen tab. */
export function freezeChannels() {
  const held: (() => void)[] = []
  let isFrozen = false
  const orLater = (run: () => void) => {
    if (isFrozen) held.push(run)
    else run()
  }
  class FreezableChannel {
    onmessage: ((event: unknown) => void) | undefined
    readonly #channel: InstanceType<typeof BroadcastChannel>

    constructor(name: string) {
      this.#channel = new BroadcastChannel(name)
      this.#channel.onmessage = (event) => orLater(() => this.onmessage?.(event))
    }

    postMessage(message: unknown): void {
      orLater(() => this.#channel.postMessage(message))
    }

    close(): void {
      this.#channel.close()
    }
  }
  globalThis.BroadcastChannel = FreezableChannel as unknown as typeof BroadcastChannel
  return {
    restore(): void {
      globalThis.BroadcastChannel = BroadcastChannel
    },
    freeze(): void {
      isFrozen = true
    },
    unfreeze(): void {
      isFrozen = false
      for (const run of held.splice(0)) run()
    },
  }
}
