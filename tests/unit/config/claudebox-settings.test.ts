import t from 'tap'
import { claudeboxSettings } from '../../../src/config/claudebox-settings.ts'
import { loadSettings } from '../../../src/config/load-settings.ts'
import { Settings } from '../../../src/config/settings.ts'

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

t.test("claudebox's switches are the modes of a server", async t => {
  t.same(claudeboxSettings({ CLAUDEBOX_MODE_CRON: '1', CLAUDEBOX_MODE_CRON_FILE: '/c/a.yml' }), {
    ...{ SERVER_MODES: 'schedules', CRON_FILE: '/c/a.yml' },
  })
  t.same(claudeboxSettings({ CLAUDE_MODE_API: 'true', CLAUDE_MODE_CRON: 'on' }), {
    SERVER_MODES: 'api,schedules',
  })
  t.same(claudeboxSettings({ CLAUDEBOX_MODE_CRON: '0' }), {})
  t.throws(() => claudeboxSettings({ CLAUDEBOX_MODE_CRON: 'maybe' }), {
    ...{ message: 'CLAUDEBOX_MODE_CRON is neither 1 nor 0', hint: /SERVER_MODES/ },
  })
  for (const path of ['a.yml', '/c/a.txt', '/c/.yml/', '/c/a b.yml'])
    t.equal(Settings.safeParse({ CRON_FILE: path }).success, false, path)
})
