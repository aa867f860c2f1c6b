import { Button } from '../ui/button.tsx'

/** A secret that the server returns only once. Kept in memory until the user dismisses it. */
export function OneTimeSecret({
  label,
  secret,
  onDone,
}: {
  label: string
  secret: string
  onDone: () => void
}) {
  return (
    <div role="status" className="one-time-secret">
      <p>{label} Copy it now: it won't be shown again.</p>
      <code className="secret">{secret}</code>
      <Button onPress={onDone}>Done</Button>
    </div>
  )
}
