/** Whether the code runs in a page of a browser. */
export function isPage(): boolean {
  return 'document' in globalThis
}
