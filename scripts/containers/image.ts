import path from 'node:path'
import { docker, inspect, printedKey } from './docker.ts'
import { type Findings, secondsSince } from './report.ts'

const root = path.join(import.meta.dirname, '../..')
const IMAGE = 'sotto'
/** So that a dependency that brings half a system along is noticed. Of the base image, Debian, it is 75 to 125 MB. */
const MAX_MB = 350

/** Builds the image, and looks at what is in it and how it runs alone, on SQLite. */
export async function checkImage(findings: Findings): Promise<void> {
  const buildStartedAt = performance.now()
  await docker(['build', '--tag', IMAGE, '--file', path.join(root, 'docker/Dockerfile'), root])
  findings.note(`built in ${secondsSince(buildStartedAt)}`)

  const megabytes = Math.round(Number(await inspect(IMAGE, '{{.Size}}')) / 1e6)
  findings.check('the image is small', megabytes <= MAX_MB, `${megabytes} MB`)
  const tools =
    'for tool in npm npx pnpm yarn corepack gcc make python3 tsc git; do command -v $tool; done; true'
  const found = await docker(['run', '--rm', '--entrypoint', 'sh', IMAGE, '-c', tools])
  findings.check('nothing to build with is in it', found === '', found)
  const user = await docker(['run', '--rm', '--entrypoint', 'id', IMAGE, '-u'])
  findings.check('it does not run as root', user !== '0', `user ${user}`)
  const said = await docker(['run', '--rm', IMAGE, 'migrate'])
  findings.check('what comes after its name is a command', said.startsWith('applied '))
  await checkAlone(findings)
}

/** As `docker run` with a volume and no settings, in a container that can write nowhere else. */
async function checkAlone(findings: Findings): Promise<void> {
  const name = `sotto-e2e-${process.pid}`
  const container = ['--name', name, '--read-only', '--cap-drop', 'ALL', '--volume', `${name}:/data`]
  try {
    await docker(['run', '--detach', ...container, IMAGE])
    const key = await printedKey(name)
    const madeUser = await requestInside(name, key, 'POST', '/v1/users', { username: 'alice' })
    findings.check('it runs on SQLite with no settings', madeUser === '201', `a first user: ${madeUser}`)
    await docker(['stop', name])
    const exitCode = await inspect(name, '{{.State.ExitCode}}')
    findings.check('it stops when it is told to', exitCode === '0', `exit code ${exitCode}`)
    await docker(['rm', name])
    const startedAt = performance.now()
    await docker(['run', '--detach', ...container, IMAGE])
    while ((await requestInside(name, key, 'GET', '/readyz')) !== '200') {}
    findings.note(`ready ${secondsSince(startedAt)} after docker run, which takes part of it`)
    const isThere = await requestInside(name, key, 'GET', '/v1/users/alice')
    findings.check(
      'its data is in the volume',
      isThere === '200',
      `the user in another container: ${isThere}`,
    )
  } finally {
    await docker(['rm', '--force', '--volumes', name]).catch(() => {})
    await docker(['volume', 'rm', '--force', name]).catch(() => {})
  }
}

/** From inside of the container, so that no port is needed. @returns the status. */
async function requestInside(
  name: string,
  key: string,
  method: string,
  to: string,
  body?: object,
): Promise<string> {
  const options = {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  }
  const script = `fetch('http://127.0.0.1:1337${to}', ${JSON.stringify(options)}).then(({ status }) => console.log(status), () => console.log('none'))`
  return await docker(['exec', name, 'node', '--eval', script])
}
