import { type ReactNode, useId } from 'react'

/** A page of the console. */
export function ConsolePage({ title, children }: { title: string; children: ReactNode }) {
  const id = useId()
  return (
    <main aria-labelledby={id}>
      <h2 id={id} dir="auto">
        {title}
      </h2>
      {children}
    </main>
  )
}

/** A section of a page, with its heading. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  )
}
