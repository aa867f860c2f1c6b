import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { LastResort } from '../ui/last-resort.tsx'
import { Reference } from './reference.tsx'
import '../styles/base.css'
import './reference.css'

const root = document.getElementById('root')
if (!root) throw new Error('the page has no root')
createRoot(root).render(
  <StrictMode>
    <LastResort>
      <Reference />
    </LastResort>
  </StrictMode>,
)
