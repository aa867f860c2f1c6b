import { Link } from 'wouter'
import { Icon } from './icons.tsx'

/** From a page to the conversations, where the two do not fit beside each other. */
export function BackLink() {
  return (
    <Link href="/" className="back" aria-label="Back to the conversations">
      <Icon name="back" />
    </Link>
  )
}
