import type { ReactNode } from 'react'

/** Names and values. What is undefined is left out. */
export function DescriptionList({ of }: { of: Readonly<Record<string, ReactNode>> }) {
  return (
    <dl className="description-list">
      {Object.entries(of).map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd dir="auto">{value}</dd>
            </div>
          ),
      )}
    </dl>
  )
}
