import { z } from 'zod'

/*
 * The file of an export: lines of JSON. A header, then the rows, table by table, and behind every so many of them a
 * checksum of all lines before it; at the end the last one. `head -n <lines> | sha256sum` finds the same.
 */

export const FORMAT = 'sotto-export'
export const FORMAT_VERSION = 1

/**
 * What lies between two checksums is a section: it is checked, imported and, after an interruption, skipped as a
 * whole. So it is what an import holds in memory, besides the longest line: this many lines, or characters.
 */
export const SECTION_LINES = 2_000
export const SECTION_LENGTH = 1_048_576

const count = z.int().nonnegative()

const header = z.object({
  type: z.literal('header'),
  format: z.literal(FORMAT),
  formatVersion: z.int(),
  /** Of this export. */
  id: z.uuid(),
  /** The moment that it shows. */
  exportedAt: z.iso.datetime(),
  /** Of Sotto. */
  version: z.string(),
  /** The last migration of the database. */
  schema: z.string(),
  tables: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string()),
      rows: count,
      /** The last number that the database gave out, where it numbers the rows by itself. */
      lastNumber: count.optional(),
    }),
  ),
})

const row = z.object({
  type: z.literal('row'),
  table: z.string(),
  /** By the names of the columns. Times are ISO 8601, JSON is text. */
  row: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
})

const checked = {
  /** How many lines come before this one. */
  lines: count,
  /** Of these lines, each with its line feed, in hexadecimal. */
  sha256: z.string(),
}

export const exportLine = z.discriminatedUnion('type', [
  header,
  row,
  z.object({ type: z.literal('checksum'), ...checked }),
  /** The last line: without it the file was cut short. */
  z.object({ type: z.literal('end'), ...checked }),
])

export type ExportHeader = z.output<typeof header>
export type ExportRow = z.output<typeof row>
export type ExportFileLine = z.output<typeof exportLine>
