import axe from 'axe-core'
import type { Person } from './browser.ts'

/** What axe has against what is shown, as `rule: element` lines. */
export async function faultsOf({ page }: Person): Promise<string[]> {
  // Not as a script of the page, which the page's policy would refuse.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** Whether one would have to scroll sideways. */
export async function isTooWide({ page }: Person): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
}
