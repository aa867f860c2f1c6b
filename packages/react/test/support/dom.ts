import { JSDOM } from 'jsdom'

/**
 * A document to render into. Only `window` and `document` become globals: the server in the same process needs Node's
 * own versions of everything else.
 */
export function createDocument(): HTMLElement {
  const { window } = new JSDOM('<!doctype html><div id="root"></div>', { pretendToBeVisual: true })
  // Node's types do not declare these globals.
  Object.assign(globalThis, { window, document: window.document })
  const root = window.document.getElementById('root')
  if (!root) throw new Error('#root element not found')
  return root
}
