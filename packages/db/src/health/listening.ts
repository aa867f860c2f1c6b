import { randomUUID } from 'node:crypto'
import pg from 'pg'

/**
 * Whether LISTEN works over a PostgreSQL URL: whether one connection receives what another notifies. It does not
 * through a transaction pooler.
 *
 * @param withinMs how long to wait for the notification
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
  // The query that fails because of it rejects as well.
  client.on('error', () => {})
  return client
}
