import { type Figures, figuresOf, type Load, median, perSecondOf, type Run } from './load.ts'

export interface Contender {
  name: string
  run: (load: Load) => Promise<Run>
}

export interface Comparison {
  name: string
  figures: Figures
  baseline: Figures
  /** The contender's rate divided by the baseline's: the median over all rounds. */
  ratio: number
}

const WARM_UP_SECONDS = 1

/** Runs a baseline and its contenders alternately, so that a machine that slows down affects them equally. */
export async function compare(
  baseline: Contender,
  contenders: readonly Contender[],
  load: Load,
  rounds: number,
): Promise<Comparison[]> {
  const all = [baseline, ...contenders]
  const runs = new Map<Contender, Run[]>(all.map((contender) => [contender, []]))
  for (const contender of all) await contender.run({ ...load, seconds: WARM_UP_SECONDS })
  for (let round = 0; round < rounds; round++) {
    for (const contender of all) runs.get(contender)?.push(await contender.run(load))
  }
  const baselineRuns = runs.get(baseline) ?? []
  return contenders.map((contender) => {
    const own = runs.get(contender) ?? []
    return {
      name: contender.name,
      figures: figuresOf(own),
      baseline: figuresOf(baselineRuns),
      ratio: median(own.map((run, round) => perSecondOf(run) / rateIn(baselineRuns, round))),
    }
  })
}

function rateIn(runs: readonly Run[], round: number): number {
  const run = runs[round]
  return run ? perSecondOf(run) : Number.NaN
}
