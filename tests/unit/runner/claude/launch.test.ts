import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RunRequest } from '../../../../src/run/request.ts'
import {
  createLaunch,
  fitsFresh,
  launchKey,
  startFiles,
} from '../../../../src/runner/claude/launch.ts'

const request = (more: object = {}) => RunRequest.parse({ prompt: 'x', ...more })

const fits: [string, boolean, Parameters<typeof fitsFresh>[0], object][] = [
  ['anything by default', true, {}, {}],
  ['a model by its short name', true, {}, { model: 'sonnet[1m]' }],
  ['a model that claude would ask about', false, {}, { model: 'claude-x-1' }],
  ['the model it was started with', true, { model: 'claude-x-1' }, { model: 'claude-x-1' }],
  ['another than that', false, { model: 'claude-x-1' }, {}],
  ['an effort', true, {}, { effort: 'max' }],
  ['no effort, where it has one', false, { effort: 'max' }, {}],
  ['texts and a schema', true, {}, { systemPrompt: 's', jsonSchema: {} }],
  ['tools', false, {}, { tools: ['Bash'] }],
  ['the same tools', true, { tools: ['Bash'] }, { tools: ['Bash'] }],
  ['a limit of turns', false, {}, { maxTurns: 1 }],
  ['a budget', false, {}, { maxBudgetUsd: 1 }],
]
for (const [what, expected, profile, more] of fits) {
  t.test(`a fresh one fits ${what}: ${expected}`, async t => {
    t.equal(fitsFresh(profile, request(more)), expected)
  })
}

t.test('the hash covers all settings except the prompt, the session and the timeout', async t => {
  const life = launchKey(request())
  t.type(life, 'string')
  t.equal(launchKey(request({ prompt: 'y', timeoutSeconds: 5, session: { kind: 'fresh' } })), life)
  for (const more of [
    { model: 'haiku' },
    { effort: 'low' },
    { systemPrompt: 's' },
    { appendSystemPrompt: 's' },
    { jsonSchema: {} },
    { tools: [] },
  ]) {
    t.not(launchKey(request(more)), life, JSON.stringify(more))
  }
  t.equal(launchKey(request({ maxTurns: 1 })), null)
  t.equal(launchKey(request({ maxBudgetUsd: 1 })), null)
})

t.test('a changed file that claude reads at its start changes the hash', async t => {
  const root = t.testdir({ workspace: { 'a.ts': '' }, home: {}, temporary: {} })
  const workspace = {
    path: join(root, 'workspace'),
    key: 'k',
    home: join(root, 'home'),
    temporary: join(root, 'temporary'),
  }
  let before = startFiles(workspace)
  const changes = (what: string) => {
    const now = startFiles(workspace)
    t.not(now, before, what)
    before = now
  }
  writeFileSync(join(workspace.path, 'CLAUDE.md'), 'x')
  changes('CLAUDE.md')
  mkdirSync(join(workspace.path, '.claude/skills/a'), { recursive: true })
  writeFileSync(join(workspace.path, '.claude/skills/a/SKILL.md'), 'x')
  changes('a skill')
  mkdirSync(join(workspace.home, '.claude'), { recursive: true })
  writeFileSync(join(workspace.home, '.claude/settings.json'), '{}')
  changes('settings of the home')
  symlinkSync('/', join(workspace.path, '.claude/link'))
  changes('a link, which is not followed')
  writeFileSync(join(workspace.path, 'a.ts'), 'y')
  t.equal(startFiles(workspace), before, 'other files do not count')
  renameSync(workspace.temporary, join(root, 'away'))
  mkdirSync(workspace.temporary)
  changes('another temporary folder: the kernel confined the process to the one before')
})

t.test(
  'a process with a host for questions serves only runs that ask, and the reverse',
  async t => {
    const request = { prompt: 'x', session: { kind: 'fresh' as const }, timeoutSeconds: 1 }
    t.equal(fitsFresh({}, request), true)
    t.equal(fitsFresh({ asks: true }, request, true), true)
    t.equal(fitsFresh({ asks: true }, request), false)
    t.equal(fitsFresh({}, request, true), false)
    t.not(launchKey(request), launchKey(request, true))
    t.equal(launchKey(request), launchKey(request, false))
  },
)

t.test('beside other workspaces a process starts in the folder itself, or not at all', async t => {
  const root = t.testdir({
    own: {},
    other: {},
    home: { '.claude': {} },
    // In the place of the reaper: reports where it is, and what it inherited.
    reaper: `#!/bin/sh\npwd -P > "$HOME/cwd"; readlink /proc/self/fd/4 > "$HOME/held"; echo "$@" > "$HOME/args"\n`,
  })
  chmodSync(join(root, 'reaper'), 0o755)
  const launch = createLaunch({
    env: {},
    programs: { reaper: join(root, 'reaper'), claude: '/claude' },
    confinement: { alone: false, mounts: [] },
    orphans: false,
    hasServers: false,
    giveUp: error => {
      throw error
    },
  })
  const path = join(root, 'own')
  const workspace = { path, key: 'k', home: join(root, 'home'), temporary: join(root, 'home') }
  const how = { session: { kind: 'fresh' as const, id: 'x' } }
  await launch(workspace, how).claude.ended
  const said = (name: string) => readFileSync(join(root, 'home', name), 'utf8')
  t.equal(said('cwd'), `${path}\n`)
  t.equal(said('held'), `${path}\n`)
  t.match(said('args'), /path-beneath:[^:]*make-dir[^:]*:\/proc\/self\/fd\/4 /)
  t.notOk(said('args').includes(path))
  const open = readdirSync('/proc/self/fd').length
  await launch(workspace, how).claude.ended
  t.equal(readdirSync('/proc/self/fd').length, open, 'the runner keeps no descriptor')
  renameSync(path, join(root, 'moved'))
  symlinkSync(join(root, 'other'), path)
  t.throws(() => launch(workspace, how), { message: /own was replaced by a symlink/ })
})
