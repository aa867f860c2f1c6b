import type { Contract } from '@sotto/contract'
import { store } from '@sotto/db'
import type { z } from 'zod'
import type { AdminContext } from '../app/context.ts'
import { dayOf } from './daily-tally.ts'

type Stats = Contract['stats']['get']

const DAY_MS = 24 * 60 * 60 * 1_000

/** The totals, and the activity on each of the last days. */
export async function getStats(
  { app }: AdminContext,
  { days }: z.output<Stats['input']>,
): Promise<z.output<Stats['output']>> {
  await app.tally.update()
  const today = dayOf(app.now())
  const since = new Date(today.getTime() - (days - 1) * DAY_MS)
  const rows = await app.read((db) => store.statistics.listDays(db, since))
  const byDay = new Map(rows.map((row) => [row.day.getTime(), row]))
  const totals = await app.totals.get()
  return {
    users: totals?.users ?? null,
    conversations: totals?.conversations ?? null,
    messages: totals?.messages ?? null,
    countedAt: totals?.countedAt ?? null,
    days: Array.from({ length: days }, (_, index) => {
      const day = new Date(since.getTime() + index * DAY_MS)
      const row = byDay.get(day.getTime())
      return {
        day: day.toISOString().slice(0, 10),
        messagesSent: row?.messages ?? 0,
        activeUsers: row?.activeUsers ?? 0,
      }
    }),
  }
}
