import type { ReactNode } from 'react'
import { Component } from 'react'
import { Button } from './button.tsx'

interface Props {
  children: ReactNode
}

/**
 * Catches rendering errors and chunks that fail to load. After an upgrade, the server no longer has the chunks of the
 * previous build, which a reload fixes.
 */
export class ErrorBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError() {
    return { hasFailed: true }
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children
    return (
      <main className="notice">
        <p role="alert">Something went wrong. Your unsent messages are saved.</p>
        <Button onPress={() => location.reload()}>Reload page</Button>
      </main>
    )
  }
}
