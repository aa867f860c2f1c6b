/** Answers all who ask at the same time with one answer, whose question was put after each of them had asked. */
export class SharedQuestion<Answer> {
  readonly #put: () => Promise<Answer>
  #running: Promise<Answer> | undefined
  #next: Promise<Answer> | undefined

  constructor(put: () => Promise<Answer>) {
    this.#put = put
  }

  ask(): Promise<Answer> {
    if (!this.#running) return this.#start()
    // What runs may have been answered before this one asked.
    this.#next ??= this.#running.then(
      () => this.#startNext(),
      () => this.#startNext(),
    )
    return this.#next
  }

  #startNext(): Promise<Answer> {
    this.#next = undefined
    return this.#start()
  }

  #start(): Promise<Answer> {
    const answer = this.#put().finally(() => {
      if (this.#running === answer) this.#running = undefined
    })
    this.#running = answer
    return answer
  }
}
