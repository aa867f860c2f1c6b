import path from 'node:path'
import { docker, inspect, printedKey } from './docker.ts'
import { type Findings, secondsSince } from './report.ts'

const root = path.join(import.meta.dirname, '../..')
const IMAGE = 'sotto'
/** Detects dependencies that add a lot. The base image, Debian, accounts for 75 to 125 MB. */
const MAX_MB = 350

/** Builds the image, checks its contents, and runs it without other services, on SQLite. */
export async function checkImage(findings: Findings): Promise<void> {
  const buildStartedAt = performance.now()
  await docker(['build', '--tag', IMAGE, '--file', path.join(root, 'docker/Dockerfile'), root])
  findings.note(`built in ${secondsSince(buildStartedAt)}`)

  const megabytes = Math.round(Number(await inspect(IMAGE, '{{.Size}}')) / 1e6)
  findings.check('the image is small', megabytes <= MAX_MB, `${megabytes} MB`)
  const tools =
    'for tool in npm npx pnpm yarn corepack gcc make python3 tsc git; do command -v $tool; done; true'
  const found = await docker(['run', '--rm', '--entrypoint', 'sh', IMAGE, '-c', tools])
  findings.check('it contains no build tools', found === '', found)
  const user = await docker(['run', '--rm', '--entrypoint', 'id', IMAGE, '-u'])
  findings.check('it does not run as root', user !== '0', `user ${user}`)
  const output = await docker(['run', '--rm', IMAGE, 'migrate'])
  findings.check('arguments after its name are a command', output.startsWith('applied '))
  await checkAlone(findings)
}

/** Runs a container with a volume and no settings, which cannot write anywhere else. */
async function checkAlone(findings: Findings): Promise<void> {
  const name = `sotto-e2e-${process.pid}`
  const container = ['--name', name, '--read-only', '--cap-drop', 'ALL', '--volume', `${name}:/data`]
  try {
    await docker(['run', '--detach', ...container, IMAGE])
    const key = await printedKey(name)
    const createdUser = await requestInside(name, key, 'POST', '/v1/users', { username: 'alice' })
    findings.check(
      'it runs on SQLite with no settings',
      createdUser === '201',
      `creating a user: ${createdUser}`,
    )
    await docker(['stop', name])
    const exitCode = await inspect(name, '{{.State.ExitCode}}')
    findings.check('it stops on request', exitCode === '0', `exit code ${exitCode}`)
    await docker(['rm', name])
    const startedAt = performance.now()
    await docker(['run', '--detach', ...container, IMAGE])
    while ((await requestInside(name, key, 'GET', '/readyz')) !== '200') {}
    findings.note(`ready ${secondsSince(startedAt)} after docker run, including its own time`)
    const userStatus = await requestInside(name, key, 'GET', '/v1/users/alice')
    findings.check(
      'its data is in the volume',
      userStatus === '200',
      `reading the user in another container: ${userStatus}`,
    )
  } finally {
    await docker(['rm', '--force', '--volumes', name]).catch(() => {})
    await docker(['volume', 'rm', '--force', name]).catch(() => {})
  }
}

/** Sends a request from inside the container, so that no port is needed. @returns the status. */
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
