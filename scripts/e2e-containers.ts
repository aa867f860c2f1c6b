import { parseArgs } from 'node:util'
import { checkFirstStart } from './containers/first-start.ts'
import { checkImage } from './containers/image.ts'
import { Findings } from './containers/report.ts'
import { checkUnderLoad } from './containers/under-load.ts'
import { checkSqlite, checkTls } from './containers/variants.ts'

const HELP = `Usage: pnpm e2e:containers [options]

Builds the image, and runs docker/compose.yaml: the first start with the README's samples, then a rolling restart,
more servers, an upgrade and kills while messages are sent and read through nginx. The stacks with SQLite alone and
with TLS are started too. Says what held; exit code 1 when something did not. What it starts is gone afterwards.

  --port N   where the stacks listen meanwhile, TLS on the one after it (13370)

DOCKER names another command than docker, such as "podman" or "sudo docker". openssl makes the certificate.
`

const { values } = parseArgs({
  options: { help: { type: 'boolean', default: false }, port: { type: 'string', default: '13370' } },
})
if (values.help) {
  console.log(HELP)
} else {
  const findings = new Findings()
  await checkImage(findings)
  await checkFirstStart(findings, Number(values.port))
  await checkSqlite(findings, Number(values.port))
  await checkTls(findings, Number(values.port))
  await checkUnderLoad(findings, Number(values.port))
  console.log(findings.broken === 0 ? 'All of it held.' : `${findings.broken} did not hold.`)
  process.exit(findings.broken === 0 ? 0 : 1)
}
