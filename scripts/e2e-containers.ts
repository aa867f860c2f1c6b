import { parseArgs } from 'node:util'
import { checkFirstStart } from './containers/first-start.ts'
import { checkImage } from './containers/image.ts'
import { Findings } from './containers/report.ts'
import { checkUnderLoad } from './containers/under-load.ts'
import { checkSqlite, checkTls } from './containers/variants.ts'

const HELP = `Usage: pnpm e2e:containers [options]

Builds the image and tests docker/compose.yaml: a first start with the README's samples, then a rolling restart, more
servers, an upgrade and kills while messages are sent and read through nginx. Also tests the stacks with SQLite and
with TLS. Prints the result of each check; the exit code is 1 if any failed. Removes everything it has started.

  --port N   port of the stacks (13370); TLS uses the next one

DOCKER sets another command than docker, such as "podman" or "sudo docker". Requires openssl for the certificate.
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
  console.log(findings.failed === 0 ? 'All checks passed.' : `${findings.failed} checks failed.`)
  process.exit(findings.failed === 0 ? 0 : 1)
}
