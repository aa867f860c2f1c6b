import { Button } from '../ui/button.tsx'

/** A secret that the server tells this once. It is in the page until it is put away, and nowhere else. */
export function OneTimeSecret({
  what,
  secret,
  onDone,
}: {
  what: string
  secret: string
  onDone: () => void
}) {
  return (
    <div role="status" className="one-time-secret">
      <p>{what} It is shown this once.</p>
      <code className="secret">{secret}</code>
      <Button onPress={onDone}>I have kept it</Button>
    </div>
  )
}
