/** The number of `.color-N` classes in base.css. */
const COLORS = 8

/**
 * A user's initial on a color derived from their name. Profile pictures are not shown, because the third-party hosts
 * that serve them could track who views whom.
 */
export function Avatar({ name, online }: { name: string; online?: boolean | undefined }) {
  const [initial = '?'] = name
  const color = [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % COLORS
  return (
    <span className={`avatar color-${color}`} aria-hidden="true">
      {initial.toUpperCase()}
      {online && <span className="online" />}
    </span>
  )
}
