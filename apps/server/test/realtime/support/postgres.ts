import pg from 'pg'

/** Runs work on a connection of its own, as somebody besides the servers would. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'somebody else' })
  // One that is cut off on purpose must not end the test run.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
