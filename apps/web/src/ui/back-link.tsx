import { Link } from 'wouter'
import { Icon } from './icons.tsx'

/** A link back to the inbox, for narrow screens where it is not shown next to the page. */
export function BackLink() {
  return (
    <Link href="/" className="back" aria-label="Back to conversations">
      <Icon name="back" />
    </Link>
  )
}
