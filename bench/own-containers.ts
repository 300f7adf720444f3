import type { Test } from 'tap'
import { must, run, until } from '../tests/support/stack/process.ts'
import { owner, type TestStack } from '../tests/support/stack/test-stack.ts'
import type { System } from './system.ts'

/**
 * Starts one container in place of the agent, the gateway and the proxy, to measure each of their
 * routes.
 */
export async function startProbe(test: Test, { stack }: TestStack, image: string): Promise<string> {
  const name = `${stack}-probe`
  test.teardown(() => must('docker', ['rm', '--force', name]))
  const network = `${stack}_proxy-external`
  const args = ['--detach', '--init', '--name', name, '--network', network]
  await must('docker', ['run', ...args, '--entrypoint', 'sleep', image, 'infinity'])
  for (const internal of ['claude-internal', 'services-internal']) {
    await must('docker', ['network', 'connect', `${stack}_${internal}`, name])
  }
  return name
}

/** Starts a worker with several workspaces, as on a server, on the network of the stack. */
export async function startRunner(
  test: Test,
  stack: TestStack,
  image: string,
): Promise<NonNullable<System['runs']>> {
  const name = `${stack.stack}-runner`
  const workspaces = ['one', 'two', 'three', 'four']
  const environment = JSON.parse(
    await must('docker', [
      'inspect',
      '--format',
      '{{json .Config.Env}}',
      stack.container('claude'),
    ]),
  ) as string[]
  test.teardown(() => must('docker', ['rm', '--force', name]))
  const scratch = ['/tmp:mode=1777', '/run:mode=1777', '/home/claude:exec,mode=1777']
  await must('docker', [
    ...['run', '--detach', '--init', '--name', name, '--user', `${owner}:${owner}`],
    ...['--network', `${stack.stack}_claude-internal`, '--read-only', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--memory', '4g', '--pids-limit', '512'],
    ...[...scratch, '/workspaces:exec,mode=1777'].flatMap(mount => ['--tmpfs', mount]),
    // These variables name files that are not mounted here.
    ...environment
      .filter(pair => !pair.startsWith('NODE_EXTRA_CA_CERTS='))
      .flatMap(pair => ['--env', pair]),
    ...[image, 'claude-secure-runner'],
  ])
  await until('the runner', async () => {
    const { code } = await run('docker', ['exec', name, 'claude-secure-run', '--status'])
    return code === 0
  })
  const folders = workspaces.map(name => `/workspaces/${name}`)
  await must('docker', ['exec', name, 'mkdir', ...folders])
  return { container: name, workspaces }
}
