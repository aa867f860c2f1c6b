import type { Io } from './io.ts'

/** The intervals between redraws of the bar and between plain lines, in milliseconds. */
const REDRAW_MS = 100
const LINE_MS = 5_000
const BAR_WIDTH = 30

interface Progress {
  update(done: number, total: number): void
  /** Clears the bar. */
  end(): void
}

/** Shows progress: a bar on a terminal, otherwise a line every few seconds. */
export function showProgress(stream: Io['stderr'], what: string): Progress {
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
