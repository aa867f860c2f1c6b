import { Link, Route, Switch, useLocation } from 'wouter'
import { useMe } from '../session/me.ts'
import { AuditLog } from './audit-log.tsx'
import { Conversations } from './conversations.tsx'
import { InspectedConversation } from './inspected-conversation.tsx'
import { Overview } from './overview.tsx'
import { ServerSettings } from './server-settings.tsx'
import { ServiceKeys } from './service-keys.tsx'
import { UserPage } from './user-page.tsx'
import { Users } from './users.tsx'
import { WebhookPage } from './webhook-page.tsx'
import { Webhooks } from './webhooks.tsx'
import '../styles/console.css'

const sections = [
  { path: '/console', title: 'Overview' },
  { path: '/console/users', title: 'Users' },
  { path: '/console/conversations', title: 'Conversations' },
  { path: '/console/keys', title: 'Service keys' },
  { path: '/console/webhooks', title: 'Webhooks' },
  { path: '/console/audit', title: 'Audit log' },
  { path: '/console/settings', title: 'Settings' },
] as const

/** The admin console. For other users it shows a message and makes no requests. */
export function Console() {
  const me = useMe()
  if (me.role !== 'admin') {
    return (
      <main className="notice">
        <h1>Console</h1>
        <p>The console is only available to admins of this server.</p>
        <Link href="/">Back to conversations</Link>
      </main>
    )
  }
  return (
    <div className="console">
      <header>
        <h1>Console</h1>
        <Link href="/">Back to conversations</Link>
      </header>
      <Sections />
      <Switch>
        <Route path="/console/users/:user">
          {({ user }) => <UserPage key={user} user={decodeURIComponent(user)} />}
        </Route>
        <Route path="/console/users">
          <Users />
        </Route>
        <Route path="/console/conversations/:id">
          {({ id }) => <InspectedConversation key={id} conversationId={decodeURIComponent(id)} />}
        </Route>
        <Route path="/console/conversations">
          <Conversations />
        </Route>
        <Route path="/console/keys">
          <ServiceKeys />
        </Route>
        <Route path="/console/webhooks/:id">
          {({ id }) => <WebhookPage key={id} webhookId={decodeURIComponent(id)} />}
        </Route>
        <Route path="/console/webhooks">
          <Webhooks />
        </Route>
        <Route path="/console/audit">
          <AuditLog />
        </Route>
        <Route path="/console/settings">
          <ServerSettings />
        </Route>
        <Route>
          <Overview />
        </Route>
      </Switch>
    </div>
  )
}

function Sections() {
  const [location] = useLocation()
  const isCurrent = (path: string) =>
    path === '/console' ? location === path : location === path || location.startsWith(`${path}/`)
  return (
    <nav aria-label="Console sections">
      <ul>
        {sections.map(({ path, title }) => (
          <li key={path}>
            <Link href={path} aria-current={isCurrent(path) ? 'page' : undefined}>
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
