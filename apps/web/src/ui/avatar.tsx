/** So many colours there are, in base.css. */
const COLOURS = 8

/**
 * Somebody's initial, on a colour that is always theirs. Not their picture: it lies on a host of their choice, which
 * would learn who looks at it.
 */
export function Avatar({ name, online }: { name: string; online?: boolean | undefined }) {
  const [initial = '?'] = name
  const colour = [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % COLOURS
  return (
    <span className={`avatar color-${colour}`} aria-hidden="true">
      {initial.toUpperCase()}
      {online && <span className="online" />}
    </span>
  )
}
