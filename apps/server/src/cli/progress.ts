/** How often a bar is redrawn, and how often a plain line is written, in milliseconds. */
const REDRAW_MS = 100
const LINE_MS = 5_000
const BAR_WIDTH = 30

interface Progress {
  update(done: number, total: number): void
  /** Takes the bar away. */
  end(): void
}

/** Shows on standard error how far something is: a bar on a terminal, a line now and then elsewhere. */
export function showProgress(what: string): Progress {
  const stream = process.stderr
  const everyMs = stream.isTTY ? REDRAW_MS : LINE_MS
  let shownAt = stream.isTTY ? 0 : performance.now()
  return {
    update(done, total) {
      if (performance.now() - shownAt < everyMs) return
      shownAt = performance.now()
      const percent = `${Math.floor((done / total) * 100)} %`
      const counts = `${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${what}`
      if (!stream.isTTY) {
        stream.write(`${percent}, ${counts}\n`)
        return
      }
      const filled = Math.round((done / total) * BAR_WIDTH)
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
      stream.write(`\r\u001b[2K${bar} ${percent.padStart(5)}  ${counts}`)
    },
    end() {
      if (stream.isTTY) stream.write('\r\u001b[2K')
    },
  }
}
