import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ErrorBoundary } from '../ui/error-boundary.tsx'
import { Reference } from './reference.tsx'
import '../styles/base.css'
import './reference.css'

const root = document.getElementById('root')
if (!root) throw new Error('#root element not found')
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <Reference />
    </ErrorBoundary>
  </StrictMode>,
)
