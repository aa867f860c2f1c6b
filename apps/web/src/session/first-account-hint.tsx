import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'

/** Links to the setup page while the first admin can be created. */
export function FirstAccountHint() {
  const sotto = useSotto()
  const { data } = useQuery({ queryKey: ['setup'], queryFn: () => sotto.setup.get(), staleTime: Infinity })
  if (!data?.open) return null
  return (
    <p>
      This server has no admin yet. <Link href="/welcome">Create the first account</Link>
    </p>
  )
}
