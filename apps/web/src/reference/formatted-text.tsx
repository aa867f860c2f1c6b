/** Text from the OpenAPI document, with backticks rendered as code. */
export function FormattedText({ children }: { children: string }) {
  // The parts with odd indexes were between backticks.
  return children
    .split('`')
    .map((part, index) => (index % 2 === 1 ? <code key={`${index} ${part}`}>{part}</code> : part))
}
