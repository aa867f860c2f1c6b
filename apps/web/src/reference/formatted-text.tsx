/** A text of the document, in which what stands between backticks is code. */
export function FormattedText({ children }: { children: string }) {
  // Every other part stood between two.
  return children
    .split('`')
    .map((part, index) => (index % 2 === 1 ? <code key={`${index} ${part}`}>{part}</code> : part))
}
