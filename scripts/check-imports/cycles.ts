/** Each file with the files it imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

export interface ImportCycle {
  /** Files that all import each other, directly or indirectly. */
  files: string[]
  /** A shortest path from one file back to itself, without repeating it at the end. */
  shortest: string[]
}

/** The groups of files that import each other, each with a shortest cycle. */
export function findCycles(graph: ImportGraph): ImportCycle[] {
  return stronglyConnected(graph).flatMap((files) => {
    const shortest = shortestCycle(graph, files)
    return shortest ? [{ files, shortest }] : []
  })
}

/** Tarjan's algorithm. */
function stronglyConnected(graph: ImportGraph): string[][] {
  const groups: string[][] = []
  const order = new Map<string, number>()
  const open: string[] = []
  const isOpen = new Set<string>()

  function visit(file: string): number {
    const index = order.size
    let low = index
    order.set(file, index)
    open.push(file)
    isOpen.add(file)
    for (const next of graph.get(file) ?? []) {
      const seen = order.get(next)
      if (seen === undefined) low = Math.min(low, visit(next))
      else if (isOpen.has(next)) low = Math.min(low, seen)
    }
    if (low === index) {
      const group = open.splice(open.indexOf(file))
      for (const member of group) isOpen.delete(member)
      groups.push(group.sort())
    }
    return low
  }

  for (const file of [...graph.keys()].sort()) if (!order.has(file)) visit(file)
  return groups
}

function shortestCycle(graph: ImportGraph, group: readonly string[]): string[] | undefined {
  const within = new Set(group)
  let shortest: string[] | undefined
  for (const start of group) {
    const cycle = shortestCycleFrom(graph, within, start)
    if (cycle && (!shortest || cycle.length < shortest.length)) shortest = cycle
  }
  return shortest
}

/** Breadth-first, so the first path that returns to the start is a shortest one. */
function shortestCycleFrom(
  graph: ImportGraph,
  within: ReadonlySet<string>,
  start: string,
): string[] | undefined {
  const seen = new Set([start])
  let paths = [[start]]
  while (paths.length > 0) {
    const longer: string[][] = []
    for (const path of paths) {
      for (const next of graph.get(path.at(-1) ?? start) ?? []) {
        if (next === start) return path
        if (!within.has(next) || seen.has(next)) continue
        seen.add(next)
        longer.push([...path, next])
      }
    }
    paths = longer
  }
  return undefined
}
