import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch, useLocation } from 'wouter'
import { ConversationPage } from './chat/conversation-page.tsx'
import { Inbox } from './chat/inbox.tsx'
import { Logo } from './ui/logo.tsx'
import { Notice } from './ui/notice.tsx'

// What the first look does not show is loaded when it is asked for.
const People = lazy(async () => ({ default: (await import('./people/people.tsx')).People }))
const Settings = lazy(async () => ({ default: (await import('./settings/settings.tsx')).Settings }))

/** The inbox, and beside it, or on a narrow screen instead of it, what is open. */
export function Pages() {
  const [location] = useLocation()
  return (
    <div className="pages">
      <div className={location === '/' ? 'panes at-inbox' : 'panes'}>
        <Inbox />
        <Suspense fallback={<Notice>Loading…</Notice>}>
          <Switch>
            <Route path="/">
              <main className="empty">
                <Logo />
                <p>Choose a conversation, or find somebody to write to.</p>
              </main>
            </Route>
            <Route path="/with/:user">
              {({ user }) => <ConversationPage key={user} target={decodeURIComponent(user)} />}
            </Route>
            <Route path="/groups/:conversationId">
              {({ conversationId }) => <ConversationPage key={conversationId} target={{ conversationId }} />}
            </Route>
            <Route path="/people">
              <People />
            </Route>
            <Route path="/settings">
              <Settings />
            </Route>
            <Route>
              <Redirect to="/" replace />
            </Route>
          </Switch>
        </Suspense>
      </div>
    </div>
  )
}
