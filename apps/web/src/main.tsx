import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { directionOf } from './direction.ts'
import './styles/base.css'
import './styles/layout.css'
import './styles/chat.css'

document.documentElement.dir = directionOf(navigator.language)
const root = document.getElementById('root')
if (!root) throw new Error('#root element not found')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
