import { type Logger, pino } from 'pino'

/** Logs to standard output, a line of JSON each. Never a text, a password or a token. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null })
}

/** Logs into an array, for tests. */
export function memoryLogger(lines: string[]): Logger {
  return pino({ level: 'info', base: null }, { write: (line: string) => void lines.push(line) })
}
