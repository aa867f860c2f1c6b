/** Combines concurrent calls. Each caller gets the result of a call that began after the caller asked for it. */
export class SharedCall<Result> {
  readonly #call: () => Promise<Result>
  #running: Promise<Result> | undefined
  #next: Promise<Result> | undefined

  constructor(call: () => Promise<Result>) {
    this.#call = call
  }

  run(): Promise<Result> {
    if (!this.#running) return this.#start()
    // The running call may have read its result before this request.
    this.#next ??= this.#running.then(
      () => this.#startNext(),
      () => this.#startNext(),
    )
    return this.#next
  }

  #startNext(): Promise<Result> {
    this.#next = undefined
    return this.#start()
  }

  #start(): Promise<Result> {
    const result = this.#call().finally(() => {
      if (this.#running === result) this.#running = undefined
    })
    this.#running = result
    return result
  }
}
