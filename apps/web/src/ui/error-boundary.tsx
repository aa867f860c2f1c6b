import type { ReactNode } from 'react'
import { Component } from 'react'
import { Button } from './button.tsx'

interface Props {
  children: ReactNode
}

/**
 * Instead of an empty page, where something could not be shown: a mistake of ours, or a part of an older build that
 * the server does not have any more, which loading the page anew puts right.
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
        <p role="alert">This could not be shown. What you have written is kept.</p>
        <Button onPress={() => location.reload()}>Load the page anew</Button>
      </main>
    )
  }
}
