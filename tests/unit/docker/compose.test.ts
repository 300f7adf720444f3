import t from 'tap'
import { composeArguments, composeEnvironment } from '../../../src/docker/compose.ts'

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
