import { randomUUID } from 'node:crypto'
import pg from 'pg'

/**
 * Whether LISTEN works over a PostgreSQL URL: what one connection notifies, another one hears. It does not over a
 * pooler that gives a connection out by the transaction.
 *
 * @param withinMs how long to wait for it
 */
export async function canListen(url: string, withinMs: number): Promise<boolean> {
  const [listener, notifier] = [clientOf(url), clientOf(url)]
  const channel = `sotto_doctor_${randomUUID().replaceAll('-', '')}`
  try {
    await Promise.all([listener.connect(), notifier.connect()])
    const heard = new Promise<boolean>((resolve) => {
      listener.on('notification', () => resolve(true))
      setTimeout(() => resolve(false), withinMs)
    })
    await listener.query(`listen ${channel}`)
    await notifier.query(`notify ${channel}`)
    return await heard
  } finally {
    await Promise.all([listener.end(), notifier.end()])
  }
}

function clientOf(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url, application_name: 'sotto doctor' })
  // Also said by the query that it breaks, which is waited for.
  client.on('error', () => {})
  return client
}
