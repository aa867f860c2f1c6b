import { z } from 'zod'

/*
 * The format of an export file: one JSON object per line. A header is followed by the rows, table by table, with
 * checksum lines in between and an end line, which is also a checksum. A checksum covers all lines before it:
 * `head -n <lines> | sha256sum` prints the same.
 */

export const FORMAT = 'sotto-export'
export const FORMAT_VERSION = 1

/**
 * The lines between two checksums are a section, which is verified, imported and, on resuming, skipped as a whole. An
 * import keeps one section in memory, so its size is limited in lines and characters. The last line may exceed the
 * limit of characters.
 */
export const SECTION_LINES = 2_000
export const SECTION_LENGTH = 1_048_576

const count = z.int().nonnegative()

const header = z.object({
  type: z.literal('header'),
  format: z.literal(FORMAT),
  formatVersion: z.int(),
  /** Identifies the export, to resume an import with the same file. */
  id: z.uuid(),
  /** The time of the snapshot. */
  exportedAt: z.iso.datetime(),
  /** The version of Sotto. */
  version: z.string(),
  /** The last migration of the database. */
  schema: z.string(),
  tables: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string()),
      rows: count,
      /** The last value of the table's number sequence, if it has one. */
      lastNumber: count.optional(),
    }),
  ),
})

const row = z.object({
  type: z.literal('row'),
  table: z.string(),
  /** Values by column name. Times are ISO 8601, JSON columns are strings. */
  row: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
})

const checksum = {
  /** The number of lines before this one. */
  lines: count,
  /** The hash of these lines, including their line feeds, in hexadecimal. */
  sha256: z.string(),
}

export const exportLine = z.discriminatedUnion('type', [
  header,
  row,
  z.object({ type: z.literal('checksum'), ...checksum }),
  /** The last line. If it is missing, the file is truncated. */
  z.object({ type: z.literal('end'), ...checksum }),
])

export type ExportHeader = z.output<typeof header>
export type ExportRow = z.output<typeof row>
export type ExportFileLine = z.output<typeof exportLine>
