import { type OnEvent, openEventStream, openSocketIo, type Receiver } from './receivers.ts'
import { signToken } from './tokens.ts'

export interface User {
  username: string
  token: string
}

export type PeerName = 'Sotto' | 'hand-written' | 'floor'

/** What the driver needs to know of a server. All else is the same for every server. */
export interface PeerApi {
  sendPath: string
  pagePath(conversationId: string, before: number): string
  /** Creates a user who does not exist yet. */
  createUser(url: string, username: string): Promise<User>
  openStream(url: string, token: string, onEvent: OnEvent): Promise<Receiver>
}

export const PAGE = 50

export const peerApis: Record<PeerName, PeerApi> = {
  Sotto: {
    sendPath: '/v1/messages',
    pagePath: (id, before) => `/v1/conversations/${id}/messages?before=${before}&limit=${PAGE}`,
    async createUser(url, username) {
      // The first call with a signed token creates its user.
      const token = signToken(username)
      await call(url, 'GET', '/v1/conversations?limit=1', token)
      return { username, token }
    },
    openStream: openEventStream,
  },
  'hand-written': {
    sendPath: '/messages',
    pagePath: (id, before) => `/conversations/${id}/messages?before=${before}&limit=${PAGE}`,
    async createUser(url, username) {
      const { id } = (await call(url, 'POST', '/users', undefined, { username })) as { id: string }
      return { username, token: signToken(id) }
    },
    openStream: openSocketIo,
  },
  floor: {
    sendPath: '/v1/messages',
    pagePath: () => '/healthz',
    createUser: async (_url, username) => ({ username, token: username }),
    openStream: openEventStream,
  },
}

async function call(
  url: string,
  method: string,
  path: string,
  token: string | undefined,
  body?: object,
): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : null,
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
