const UINT32 = 0x1_0000_0000

/**
 * A seeded pseudorandom number generator: sfc32, which passes PractRand.
 *
 * @see https://pracrand.sourceforge.net/RNG_engines.txt
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = (seed ^ 0x9e37_79b9) | 0
    this.#c = 0x243f_6a88
    // Similar seeds produce similar output at first.
    for (let round = 0; round < 15; round++) this.uint32()
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 <= x < 1 */
  fraction(): number {
    return this.uint32() / UINT32
  }

  /** min <= n <= max */
  int(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.int(0, items.length - 1)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  /** A UUIDv7. @param time in milliseconds since the Unix epoch. */
  id(time: number): string {
    const head = Math.floor(time).toString(16).padStart(12, '0')
    const low = this.uint32()
    const middle = hex(0x7000 | (low & 0xfff))
    const variant = hex(0x8000 | ((low >>> 12) & 0x3fff))
    const tail = this.uint32().toString(16).padStart(8, '0') + hex(this.uint32() & 0xffff)
    return `${head.slice(0, 8)}-${head.slice(8)}-${middle}-${variant}-${tail}`
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0')
}
