import { JSDOM } from 'jsdom'

/**
 * A document to render into. React and what it renders find it among the globals; everything else stays Node's own,
 * the server's part of the test included.
 */
export function createDocument(): HTMLElement {
  const { window } = new JSDOM('<!doctype html><div id="root"></div>', { pretendToBeVisual: true })
  // As a page has them, which the types of Node's globals do not know.
  Object.assign(globalThis, { window, document: window.document })
  const root = window.document.getElementById('root')
  if (!root) throw new Error('the document has no root')
  return root
}
