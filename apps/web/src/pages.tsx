import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch, useLocation } from 'wouter'
import { ConversationPage } from './chat/conversation-page.tsx'
import { Inbox } from './chat/inbox.tsx'
import { Logo } from './ui/logo.tsx'
import { Notice } from './ui/notice.tsx'

// Loaded on demand: the initial view does not need them.
const People = lazy(async () => ({ default: (await import('./people/people.tsx')).People }))
const Settings = lazy(async () => ({ default: (await import('./settings/settings.tsx')).Settings }))

/** The inbox next to the current page. On narrow screens, only one of the two is shown. */
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
                <p>Select a conversation, or find someone to message.</p>
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
