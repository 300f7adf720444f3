import { join } from 'node:path'
import type { Test } from 'tap'
import { must, until } from '../../tests/support/stack/process.ts'
import { createTestServer, type TestServer } from '../../tests/support/stack/test-server.ts'
import { owner } from '../../tests/support/stack/test-stack.ts'
import { programOf } from '../run-probe.ts'
import type { System } from '../system.ts'

const stored = { few: 10, many: 1_000 }
const addedTokens = 500

/** Creates a server as a user has it, behind its published port, with two tenants whose runs have ended long ago. */
export async function createOwnServer(test: Test): Promise<Pick<System, 'server' | 'containers'>> {
  const server = await createTestServer(test, {
    tenants: 'tenants: [{ name: main }, { name: few }, { name: many }]',
  })
  const addToken = async (name: string, tenant: string) => {
    const { code, stdout, stderr } = await server.serve(['token', 'add', name, '--tenant', tenant])
    if (code !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  const [fewRuns, manyRuns] = [await addToken('few', 'few'), await addToken('many', 'many')]
  const moreTokens = [await addToken('second', 'main'), await addToken('third', 'main')]
  await storeRuns(server)
  const { container, url, token } = server
  const state = join(server.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', server.stack)
  return {
    server: {
      ...{ url, token, moreTokens, prompt: '[[delay 20]][[say pong]]', root: '/workspaces' },
      worker: container('worker-main'),
      memory: [container('server'), container('ingress')],
      growth: {
        ...{ fewRuns, manyRuns, ratio: stored.many / stored.few, addedTokens },
        tokens: join(state, 'server/tokens.json'),
      },
    },
    containers: {
      server: container('server'),
      ingress: container('ingress'),
      worker: container('worker-main'),
    },
  }
}

/** Stores ended runs by the server's own store, in the place of the server: a thousand real ones take minutes. */
async function storeRuns(server: TestServer) {
  const name = server.container('server')
  const image = (await must('docker', ['inspect', '--format', '{{.Config.Image}}', name])).trim()
  const data = join(
    ...[server.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', server.stack, 'server-data'],
  )
  await must('docker', ['stop', name])
  await must(
    'docker',
    [
      ...['run', '--rm', '--interactive', '--init', '--network', 'none', '--pull', 'never'],
      ...[
        '--user',
        `${owner}:${owner}`,
        '--volume',
        `${data}:/data`,
        '--entrypoint',
        'node',
        image,
      ],
      ...['--input-type=module', '-', JSON.stringify(stored)],
    ],
    { input: await programOf('store-runs') },
  )
  await must('docker', ['start', name])
  await until('the server to answer', async () =>
    server.request('/status').then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
}
