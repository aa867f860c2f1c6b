import axe from 'axe-core'
import type { Person } from './browser.ts'

/** The serious accessibility violations that axe finds, as `rule: element`. */
export async function violationsOf({ page }: Person): Promise<string[]> {
  // Evaluated instead of added as a script, which the page's policy would block.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** Whether the page scrolls sideways. */
export async function scrollsSideways({ page }: Person): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
}
