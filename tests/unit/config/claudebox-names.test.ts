import t from 'tap'
import { claudeboxSettings, withOurNames } from '../../../src/config/claudebox-names.ts'
import { loadCustomSettings, loadSettings } from '../../../src/config/load-settings.ts'

t.test("claudebox's newer names win over its older ones, and ours over both", async t => {
  const folder = t.testdir({ '.env': '' })
  const env = { CLAUDE_SSH_DIR: '/old', CLAUDEBOX_SSH_DIR: '/new', CLAUDEBOX_MINIMAL: '1' }
  t.match(await loadSettings(folder, env), { SSH_DIR: '/new', IMAGE_TARGET: 'minimal' })
  t.match(await loadSettings(folder, { ...env, SSH_DIR: '/ours' }), { SSH_DIR: '/ours' })
  t.match(claudeboxSettings({ CLAUDE_SSH_DIR: '/old' }), { SSH_DIR: '/old' })
})

t.test(
  'name and mail of commits become one setting, and one without the other is an error',
  async t => {
    const both = { CLAUDEBOX_GIT_NAME: 'Ada', CLAUDE_GIT_EMAIL: 'ada@example.com' }
    t.same(claudeboxSettings(both), { GIT_IDENTITY: 'Ada <ada@example.com>' })
    t.throws(() => claudeboxSettings({ CLAUDEBOX_GIT_NAME: 'Ada' }), {
      message: 'CLAUDEBOX_GIT_NAME is set, and CLAUDEBOX_GIT_EMAIL is not',
    })
    t.throws(() => claudeboxSettings({ CLAUDE_GIT_EMAIL: 'a@b' }), { message: /GIT_NAME is not/ })
  },
)

t.test('CLAUDEBOX_MINIMAL=0 is the full image, and any other word is an error', async t => {
  t.same(claudeboxSettings({ CLAUDEBOX_MINIMAL: '0' }), { IMAGE_TARGET: 'full' })
  t.throws(() => claudeboxSettings({ CLAUDEBOX_MINIMAL: 'maybe' }), { message: /neither 1 nor 0/ })
})

t.test('variables and folders have both prefixes, in .env and in the environment', async t => {
  const folder = t.testdir({
    '.env': 'CLAUDE_ENV_A=ours\nCLAUDEBOX_ENV_A=theirs\nCLAUDEBOX_ENV_B=b\nCLAUDEBOX_MOUNT_1=/x\n',
  })
  t.same(await loadCustomSettings(folder, {}), {
    environment: { A: 'ours', B: 'b' },
    mounts: { 1: '/x' },
  })
  const env = { CLAUDEBOX_ENV_B: 'shell', CLAUDEBOX_MOUNT_2: '/y' }
  t.same(await loadCustomSettings(folder, env), {
    environment: { A: 'ours', B: 'shell' },
    mounts: { 1: '/x', 2: '/y' },
  })
  t.same(withOurNames({ CLAUDEBOX_ENV_A: 1, CLAUDE_ENV_A: 2, OTHER: 3 }), {
    CLAUDE_ENV_A: 2,
    OTHER: 3,
  })
})

t.test('.env takes the names of settings, and refuses an unknown one', async t => {
  const env = (text: string) => loadSettings(t.testdir({ '.env': text }), {})
  t.match(await env('CLAUDEBOX_SSH_DIR=/keys\nCLAUDEBOX_MINIMAL=true\n'), {
    SSH_DIR: '/keys',
    IMAGE_TARGET: 'minimal',
  })
  t.match(await env('SSH_DIR=/ours\nCLAUDEBOX_SSH_DIR=/keys\n'), { SSH_DIR: '/ours' })
  await t.rejects(env('CLAUDEBOX_SHH_DIR=/keys\n'), { message: /unknown setting/ })
})
