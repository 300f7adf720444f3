import t from 'tap'
import { isCustomName } from '../../../src/config/custom-names.ts'
import { loadCustomSettings } from '../../../src/config/custom-settings.ts'
import { loadSettings } from '../../../src/config/load-settings.ts'
import { settingsInEnvironment } from '../../../src/config/setting-names.ts'

const env = 'AGENT_CPUS=1\nCLAUDE_ENV_B=2\nCLAUDE_ENV_A="a # b"\nCLAUDE_MOUNT_DATA=/data\n'

t.test('the two families are read by the names that the user gave', async t => {
  t.same(await loadCustomSettings(t.testdir({ '.env': env }), {}), {
    environment: { A: 'a # b', B: '2' },
    mounts: { DATA: '/data' },
  })
  t.same(await loadCustomSettings(t.testdir({}), {}), { environment: {}, mounts: {} })
})

t.test('the environment wins, and an empty value is none', async t => {
  const custom = await loadCustomSettings(t.testdir({ '.env': env }), {
    CLAUDE_ENV_A: 'mine',
    CLAUDE_ENV_C: '',
    CLAUDE_ENV_: 'x',
    PATH: '/bin',
  })
  t.same(custom.environment, { A: 'mine', B: '2' })
})

t.test('they are no settings, and no unknown names either', async t => {
  t.equal((await loadSettings(t.testdir({ '.env': env }), {})).AGENT_CPUS, '1')
  await t.rejects(loadSettings(t.testdir({ '.env': 'CLAUDE_ENV_=x\n' }), {}), {
    message: /unknown setting CLAUDE_ENV_/,
  })
  t.equal(isCustomName('CLAUDE_MOUNT_1'), true)
  t.equal(isCustomName('CLAUDE_MOUNT'), false)
})

t.test('a quick start notices those of the environment', async t => {
  const one = settingsInEnvironment({ CLAUDE_ENV_X: '1', HOME: '/root' })
  t.same(one, { CLAUDE_ENV_X: '1' })
})
