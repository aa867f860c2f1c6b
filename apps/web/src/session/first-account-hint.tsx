import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'

/** The way to the first account, while nobody has one. */
export function FirstAccountHint() {
  const sotto = useSotto()
  const { data } = useQuery({ queryKey: ['setup'], queryFn: () => sotto.setup.get(), staleTime: Infinity })
  if (!data?.open) return null
  return (
    <p>
      Nobody has an account here yet. <Link href="/welcome">Make the first one</Link>
    </p>
  )
}
