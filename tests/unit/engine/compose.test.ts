import { join } from 'node:path'
import t from 'tap'
import {
  compose,
  composeArguments,
  composeCall,
  composeEnvironment,
} from '../../../src/engine/compose.ts'
import { fakeProgram } from '../../support/docker/fake-docker.ts'

const project = {
  name: 'claude-secure-x-00000000',
  root: '/opt/claude secure',
  override: '/state/stack.yaml',
  variables: { CLAUDE_IMAGE: 'claude-secure/claude:1' },
  profiles: ['rehearsal'],
}

t.test('every source of settings is named, so that none is found in the workspace', async t => {
  const args = composeArguments(project).join(' ')
  t.match(args, '--project-directory /opt/claude secure')
  t.match(args, '--env-file /dev/null')
  t.match(args, '--file /opt/claude secure/compose.yaml --file /state/stack.yaml')
  t.match(args, '--profile rehearsal')
})

t.test("compose sees our variables and the client's, and nothing of the user's shell", async t => {
  t.same(composeEnvironment({ PATH: '/bin' }, project), {
    PATH: '/bin',
    STACK_NAME: project.name,
    CLAUDE_IMAGE: 'claude-secure/claude:1',
  })
})

t.test('compose is called by its own program where that is known', async t => {
  t.same(composeCall({ file: '/usr/bin/docker' }, ['up']), ['/usr/bin/docker', ['compose', 'up']])
  t.same(composeCall({ file: '/usr/bin/docker', composeFile: '/p/docker-compose' }, ['up']), [
    '/p/docker-compose',
    ['up'],
  ])
})

t.test('an engine without a free subnet gets one message for old and new engines', async t => {
  for (const words of [
    'failed to create network x_claude-internal: Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    'failed to create network x_claude-internal: Error response from daemon: all predefined address pools have been fully subnetted',
  ]) {
    const folder = await fakeProgram(t, 'docker', `echo '${words}' >&2; exit 1`)
    const docker = { kind: 'docker' as const, file: join(folder, 'docker'), env: {} }
    await t.rejects(compose(docker, { ...project, root: '/' }, ['up']), {
      message: /^the engine has no free subnet left/,
      hint: /stop ID.*default-address-pools in daemon\.json/,
    })
  }
})
